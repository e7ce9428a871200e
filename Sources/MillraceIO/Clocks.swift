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
}
