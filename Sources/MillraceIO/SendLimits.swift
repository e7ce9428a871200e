/// How much the kernel may hold of what one connection sends. A queue that is longer than its link needs makes all that
/// shares the link wait, requests and acknowledgements too, and binds chunks too early to a client that may turn out
/// slow; a shorter one wakes the thread for every few packets. `SendShare` says what a connection is to carry.
public struct SendLimits: Sendable, Equatable {
    /// Bytes not sent yet (TCP_NOTSENT_LOWAT, tcp(7)): what the link carries in a millisecond.
    public private(set) var unsentByteCount: Int
    /// Bytes not sent or not acknowledged (SO_SNDBUF, socket(7)): what it carries in eight, and in two long round trips
    /// besides, so that several connections keep a link busy and none fills its queue. Nil where the kernel sizes it,
    /// on links that are fast enough.
    public let queueByteCount: Int?
    /// Bytes given to the kernel with one call. It looks at SO_SNDBUF for each packet buffer, and puts 64 KiB of a long
    /// call into one whatever the limit is: too much for a shorter queue.
    public var callByteCount: Int {
        guard let queueByteCount, queueByteCount < SendLimits.packetBufferByteCount else { return .max }
        return queueByteCount
    }

    static let leastUnsentByteCount = 16 * 1024
    static let mostUnsentByteCount = 1024 * 1024
    static let leastQueueByteCount = 16 * 1024
    static let mostQueueByteCount = 512 * 1024
    static let packetBufferByteCount = 64 * 1024

    /// Segments the queue must hold: with one or two, each waits for the acknowledgement that the other side delays.
    /// Over loopback, where they have 64 KiB, that leaves the queue to the kernel.
    static let leastSegmentCount = 10

    static let unsentNanoseconds: UInt64 = 1_000_000
    static let queueNanoseconds: UInt64 = 7_500_000
    /// So much of a round trip is a queue that was there before: who joins while links are busy measures 1 to 4 ms.
    static let queuedRoundTripNanoseconds: UInt64 = 2_500_000

    /// The limits for a connection that is to carry so much.
    ///
    /// - Parameters:
    ///   - roundTripNanoseconds: of the link when nothing waits in it: a connection carries no more in that time than
    ///     it holds.
    ///   - roomTimes: how many times the usual queue the other side has asked for, whose acknowledgements are late.
    init(
        bytesPerSecond: Double, segmentByteCount: Int, roundTripNanoseconds: UInt64 = 0, roomTimes: Int = 1
    ) {
        let unsent = bytesPerSecond * Double(SendLimits.unsentNanoseconds) / 1e9
        unsentByteCount = SendLimits.stepped(
            unsent, from: SendLimits.leastUnsentByteCount, to: SendLimits.mostUnsentByteCount)
        let segments = Double(SendLimits.leastSegmentCount) * Double(segmentByteCount)
        let queue = max(bytesPerSecond * SendLimits.queueSeconds(roundTripNanoseconds), segments)
        let isKernels = queue > Double(SendLimits.mostQueueByteCount)
        let usual = SendLimits.stepped(queue, from: SendLimits.leastQueueByteCount, to: SendLimits.mostQueueByteCount)
        queueByteCount = isKernels ? nil : min(roomTimes * usual, SendLimits.mostQueueByteCount)
    }

    /// How long what a connection holds must last: what is on the wire waits in queues on the way, too.
    private static func queueSeconds(_ roundTripNanoseconds: UInt64) -> Double {
        let onTheWire = roundTripNanoseconds - min(roundTripNanoseconds, queuedRoundTripNanoseconds)
        return (Double(queueNanoseconds) + 2 * Double(onTheWire)) / 1e9
    }

    /// The next of four steps to each power of two: small enough that nodes on both sides of one get on, few enough
    /// that a rate that wavers does not cost a call of the system each time.
    private static func stepped(_ byteCount: Double, from least: Int, to most: Int) -> Int {
        var octave = least
        while octave < most, byteCount > Double(2 * octave) { octave *= 2 }
        var steps = octave
        while steps < most, byteCount > Double(steps) { steps += octave / 4 }
        return steps
    }
}

/// Says when the limits of one connection must follow what it is to carry.
public struct SendGauge: Sendable {
    private let segmentByteCount: Int
    private let share: SendShare
    private var mark = SendMeasure.Mark()
    private var bytesPerSecond: Double
    private var roundTripNanoseconds: UInt64 = 0
    private var roomTimes = 1
    /// The limits that stand.
    public private(set) var current: SendLimits

    /// - Parameters:
    ///   - segmentByteCount: the most bytes that one packet of the connection carries.
    ///   - share: of the node's connections that send chunks.
    public init(segmentByteCount: Int, share: SendShare) {
        self.segmentByteCount = segmentByteCount
        self.share = share
        bytesPerSecond = share.bytesPerSecond
        current = SendLimits(bytesPerSecond: bytesPerSecond, segmentByteCount: segmentByteCount)
    }

    /// Notes that a chunk is with the kernel. Returns the limits to set now; nil while they stay as they are.
    ///
    /// - Parameter roundTripNanoseconds: the shortest so far, asked for once a rate is known; nil if there is none.
    public mutating func sent(
        _ chunkByteCount: Int, now: UInt64, roundTripNanoseconds: () -> UInt64? = { nil }
    ) -> SendLimits? {
        guard let bytesPerSecond = share.sent(chunkByteCount, now: now, mark: &mark) else { return nil }
        self.bytesPerSecond = bytesPerSecond
        self.roundTripNanoseconds = roundTripNanoseconds() ?? 0
        return revised()
    }

    /// The other side has asked for so many times the usual queue. Returns the limits to set now; nil if it had before.
    public mutating func asked(roomTimes: Int) -> SendLimits? {
        guard roomTimes != self.roomTimes else { return nil }
        self.roomTimes = roomTimes
        return revised()
    }

    private mutating func revised() -> SendLimits? {
        let wanted = SendLimits(
            bytesPerSecond: bytesPerSecond, segmentByteCount: segmentByteCount,
            roundTripNanoseconds: roundTripNanoseconds, roomTimes: roomTimes)
        guard wanted != current else { return nil }
        current = wanted
        return wanted
    }
}
