/// How many bytes a socket may hold unsent: what its link carries in a millisecond. More binds chunks too early to a
/// client that may turn out slow; less makes the thread wake for every few packets (TCP_NOTSENT_LOWAT, tcp(7)).
public struct UnsentLimit: Sendable {
    public static let leastByteCount = 32 * 1024
    public static let mostByteCount = 1024 * 1024
    private static let horizonNanoseconds: UInt64 = 1_000_000
    /// A rate is taken over at least so long, and over several chunks where they take longer.
    private static let windowNanoseconds: UInt64 = 10_000_000
    private static let windowChunkCount = 4

    private var start: UInt64?
    private var byteCount: UInt64 = 0
    private var chunkCount = 0
    private var current = UnsentLimit.leastByteCount

    public init() {}

    /// Notes that a chunk is with the kernel. Returns the limit to set now, in bytes; nil while it stays as it is.
    public mutating func sent(_ chunkByteCount: Int, now: UInt64) -> Int? {
        guard let start else {
            self.start = now
            return nil
        }
        byteCount += UInt64(chunkByteCount)
        chunkCount += 1
        let elapsed = now - min(start, now)
        guard elapsed >= UnsentLimit.windowNanoseconds, chunkCount >= UnsentLimit.windowChunkCount else { return nil }
        let carried = Double(byteCount) * Double(UnsentLimit.horizonNanoseconds) / Double(elapsed)
        self.start = now
        byteCount = 0
        chunkCount = 0
        // Powers of two: a rate that wavers must not cost a system call each time.
        var wanted = UnsentLimit.leastByteCount
        while wanted < UnsentLimit.mostByteCount, Double(wanted) < carried { wanted *= 2 }
        guard wanted != current else { return nil }
        current = wanted
        return wanted
    }
}
