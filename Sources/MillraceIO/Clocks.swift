import Glibc

/// Time that never jumps, from an unspecified start; stands still while the machine sleeps.
public enum MonotonicClock {
    public static var nowNanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}

/// The time of day, for people to read.
public enum WallClock {
    public static var now: (seconds: Int64, nanoseconds: Int64) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return (Int64(time.tv_sec), Int64(time.tv_nsec))
    }

    public static var secondsSince1970: Double {
        let (seconds, nanoseconds) = now
        return Double(seconds) + Double(nanoseconds) * 1e-9
    }

    /// Now in UTC as people and programs read it (ISO 8601): `2026-11-23T08:05:00Z`.
    public static var text: String {
        var seconds = time_t(now.seconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        return "\(date)T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }
}
