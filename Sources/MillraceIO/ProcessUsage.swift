import Glibc

/// What this process has used so far (getrusage(2), proc(5)).
public struct ProcessUsage: Sendable {
    public let cpuSeconds: Double
    public let residentByteCount: UInt64

    public static var now: ProcessUsage {
        var usage = rusage()
        getrusage(CInt(RUSAGE_SELF.rawValue), &usage)
        return ProcessUsage(
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime), residentByteCount: resident())
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    /// The second number of /proc/self/statm, in pages; 0 where there is none.
    private static func resident() -> UInt64 {
        guard let file = try? System.open("/proc/self/statm", .readOnly) else { return 0 }
        return withUnsafeTemporaryAllocation(byteCount: 128, alignment: 1) { buffer in
            let count = (try? System.read(file.rawValue, at: 0, into: buffer)) ?? 0
            let fields = String(decoding: buffer[..<count], as: UTF8.self).split(separator: " ")
            return (fields.count > 1 ? UInt64(fields[1]) : nil).map { $0 * UInt64(sysconf(CInt(_SC_PAGESIZE))) } ?? 0
        }
    }
}

/// What this machine calls itself (gethostname(2)).
public enum MachineName {
    public static var current: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard gethostname(buffer.baseAddress!, 255) == 0 else { return "" }
            buffer[255] = 0
            return String(cString: buffer.baseAddress!)
        }
    }
}
