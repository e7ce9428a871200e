/// How much the kernel may hold of what one connection sends. A queue that is longer than its link needs makes all that
/// shares the link wait, requests and acknowledgements too, and binds chunks too early to a client that may turn out
/// slow; a shorter one wakes the thread for every few packets.
public struct SendLimits: Sendable, Equatable {
    /// Bytes not sent yet (TCP_NOTSENT_LOWAT, tcp(7)): what the link carries in a millisecond.
    public private(set) var unsentByteCount: Int
    /// Bytes not sent or not acknowledged (SO_SNDBUF, socket(7)): what it carries in ten, or in two round trips where
    /// those take longer, so that several connections keep a link busy and none fills its queue. Nil where the kernel
    /// sizes it, on links that are fast enough.
    public let queueByteCount: Int?
    /// Bytes given to the kernel with one call. It looks at SO_SNDBUF for each packet buffer, and puts 64 KiB of a long
    /// call into one whatever the limit is: too much for the shortest queue.
    public var callByteCount: Int {
        queueByteCount == SendLimits.leastQueueByteCount ? SendLimits.leastQueueByteCount : .max
    }

    static let leastUnsentByteCount = 16 * 1024
    static let mostUnsentByteCount = 1024 * 1024
    static let leastQueueByteCount = 16 * 1024
    static let mostQueueByteCount = 512 * 1024

    /// Segments the queue must hold: with one or two, each waits for the acknowledgement that the other side delays.
    /// Over loopback, where they have 64 KiB, that leaves the queue to the kernel.
    static let leastSegmentCount = 10

    static let unsentNanoseconds: UInt64 = 1_000_000
    static let queueNanoseconds: UInt64 = 10_000_000

    /// The limits for a connection that carries so much. Powers of two: a rate that wavers must not cost a system call
    /// each time.
    ///
    /// - Parameter roundTripNanoseconds: of the link when nothing waits in it. A connection that holds less than it
    ///   carries in that time carries no more for it, and would be held at the rate it happens to have.
    init(bytesPerSecond: Double, segmentByteCount: Int, roundTripNanoseconds: UInt64 = 0) {
        let unsent = bytesPerSecond * Double(SendLimits.unsentNanoseconds) / 1e9
        unsentByteCount = SendLimits.leastUnsentByteCount
        while unsentByteCount < SendLimits.mostUnsentByteCount, Double(unsentByteCount) < unsent {
            unsentByteCount *= 2
        }
        let segments = Double(SendLimits.leastSegmentCount) * Double(segmentByteCount)
        let nanoseconds = max(Double(SendLimits.queueNanoseconds), 2 * Double(roundTripNanoseconds))
        let queue = max(bytesPerSecond * nanoseconds / 1e9, segments)
        var byteCount = SendLimits.leastQueueByteCount
        while byteCount <= SendLimits.mostQueueByteCount, Double(byteCount) < queue { byteCount *= 2 }
        queueByteCount = byteCount <= SendLimits.mostQueueByteCount ? byteCount : nil
    }
}

/// Measures what a connection carries, and says when its limits must follow.
public struct SendGauge: Sendable {
    /// A rate is taken over at least so long, and over several chunks where they take longer.
    private static let windowNanoseconds: UInt64 = 10_000_000
    private static let windowChunkCount = 4

    private var start: UInt64?
    private var byteCount: UInt64 = 0
    private var chunkCount = 0
    private let segmentByteCount: Int
    /// The limits that stand.
    public private(set) var current: SendLimits

    /// - Parameter segmentByteCount: the most bytes that one packet of the connection carries.
    public init(segmentByteCount: Int) {
        self.segmentByteCount = segmentByteCount
        current = SendLimits(bytesPerSecond: 0, segmentByteCount: segmentByteCount)
    }

    /// Notes that a chunk is with the kernel. Returns the limits to set now; nil while they stay as they are.
    ///
    /// - Parameter roundTripNanoseconds: the shortest so far, asked for once a rate is known; nil if there is none.
    public mutating func sent(
        _ chunkByteCount: Int, now: UInt64, roundTripNanoseconds: () -> UInt64? = { nil }
    ) -> SendLimits? {
        guard let start else {
            self.start = now
            return nil
        }
        byteCount += UInt64(chunkByteCount)
        chunkCount += 1
        let elapsed = now - min(start, now)
        guard elapsed >= SendGauge.windowNanoseconds, chunkCount >= SendGauge.windowChunkCount else { return nil }
        let carried = Double(byteCount) / Double(elapsed) * 1e9
        let wanted = SendLimits(
            bytesPerSecond: carried, segmentByteCount: segmentByteCount,
            roundTripNanoseconds: roundTripNanoseconds() ?? 0)
        self.start = now
        byteCount = 0
        chunkCount = 0
        guard wanted != current else { return nil }
        current = wanted
        return wanted
    }
}
