/// What each connection of a node that sends chunks is to carry: an equal part of what they carry together at best.
/// Were each given room for what it carries itself, one that is slow for a moment would have less room, be slower for
/// it, and never catch up: of seven peers on links of 100 Mbit/s some then took 1.2 to 1.4 times the bound, with equal
/// room 1.07. Callable from any thread.
public final class SendShare: Sendable {
    private struct State {
        var trial = RoomTrial()
        var measure = SendMeasure()
        /// How many times the usual room the node's sources were asked for.
        var roomTimes = 1
        /// What has come to this node, and bytes a second.
        var received = RoomTraffic.Received()
        var receivedBytesPerSecond = 0.0

        /// A node's link carries a good part of what comes to it the other way, too, whatever little was asked of it so
        /// far.
        var leastBytesPerSecond: Double {
            let isNarrow = trial.keptRoomTimes > 1
            return receivedBytesPerSecond
                * (isNarrow ? SendMeasure.narrowPartOfReceived : SendMeasure.partOfReceived)
        }

        var share: Double {
            // Nothing comes to an owner.
            let isOnlyReader = measure.usedCount == 1 && receivedBytesPerSecond == 0
            return measure.share(atLeast: leastBytesPerSecond) * (isOnlyReader ? SendMeasure.loneReaderPart : 1)
        }
    }

    private let state = Lock(State())

    public init() {}

    /// Bytes a second for each connection in use; zero while nobody knows.
    public var bytesPerSecond: Double {
        state.withLock { $0.share }
    }

    /// How many times the usual room the node's sources have been asked for.
    public var roomTimes: Int { state.withLock { $0.roomTimes } }

    /// So many bytes have come to this node, as part of so many a second. Returns how many times the usual room its
    /// sources are to be asked for now; nil while that stays as it is.
    ///
    /// - Parameters:
    ///   - isFromPeer: whether another peer sent them, and not the owner.
    ///   - fastestNeighbourBytesPerSecond: what comes to the one of its neighbours that gets most.
    public func received(
        _ byteCount: Int, isFromPeer: Bool = true, bytesPerSecond: UInt64,
        fastestNeighbourBytesPerSecond: UInt64 = 0, now: UInt64
    ) -> Int? {
        state.withLock { state in
            state.trial.fastestNeighbourBytesPerSecond = Double(fastestNeighbourBytesPerSecond)
            state.received.all += UInt64(byteCount)
            if isFromPeer { state.received.fromPeers += UInt64(byteCount) }
            state.receivedBytesPerSecond = Double(bytesPerSecond)
            let wanted = state.trial.roomTimes(now: now)
            guard wanted != state.roomTimes else { return nil }
            state.roomTimes = wanted
            return wanted
        }
    }

    /// A connection has handed a chunk to the kernel. Returns its share where it has not heard of it yet, in bytes a
    /// second, else nil.
    ///
    /// - Parameter mark: the connection's own, to begin with a new one.
    func sent(_ byteCount: Int, now: UInt64, mark: inout SendMeasure.Mark) -> Double? {
        state.withLock { state in
            let count = state.measure.usedCount
            state.trial.sent(byteCount, received: state.received, connectionCount: count, now: now)
            let isNew = state.measure.sent(byteCount, now: now, mark: &mark, atLeast: state.leastBytesPerSecond) != nil
            return isNew ? state.share : nil
        }
    }

    func began(now: UInt64) {
        state.withLock { $0.trial.began(now: now) }
    }

    func rested(now: UInt64) {
        state.withLock { $0.trial.rested(now: now) }
    }
}

/// The same as a pure value: chunks are counted over stretches, and each stretch gives a rate and how many took part.
struct SendMeasure: Sendable {
    /// What one connection remembers: the last stretch in which it sent.
    struct Mark: Sendable {
        fileprivate var stretch: UInt64 = 0
    }

    /// A stretch is at least so long, and so many chunks for each connection that sends in it.
    private static let leastNanoseconds: UInt64 = 10_000_000
    private static let chunkCountPerConnection = 4

    /// What several carry to one reader is as their room is: whoever had less for a moment carries less, and what it
    /// carries would be all the room it gets. One of four at 200 Mbit/s sent a third of what it could until the end,
    /// and the others, who made up for it, took up to 1.17 times the bound, now 1.06, three of sixteen times 1.09.
    static let partOfReceived = 0.75
    /// The same where more room has brought more, which shows that the link is busy: a longer queue is in the way of
    /// requests and acknowledgements then, a shorter one leaves it idle.
    static let narrowPartOfReceived = 0.5

    /// The part of an owner's only reader. What stands in the reader's queue is as long as what others that send to it
    /// have room for, so that this connection would stay as slow as it is once it has been slow for a moment.
    static let loneReaderPart = 2.0

    /// Of all connections together. It gives way by half to what a slower stretch has carried: not every stretch has
    /// enough to send, and a link may become slower.
    private var best = 0.0
    private var start: UInt64?
    private var byteCount: UInt64 = 0
    private var chunkCount = 0
    private var connectionCount = 0
    private var stretch: UInt64 = 1
    /// How many took part in the last stretch.
    private var shareCount = 1

    /// How many connections take part, as far as that is known.
    var usedCount: Int { max(shareCount, connectionCount) }

    /// Bytes a second for each, if all together carry so much at least.
    func share(atLeast least: Double) -> Double { max(best, least) / Double(usedCount) }

    mutating func sent(_ byteCount: Int, now: UInt64, mark: inout Mark, atLeast least: Double = 0) -> Double? {
        let hasHeard = mark.stretch == stretch
        if !hasHeard { connectionCount += 1 }
        mark.stretch = stretch
        // The first chunk marks the time from which on bytes are counted.
        guard let start else {
            self.start = now
            return nil
        }
        self.byteCount += UInt64(byteCount)
        chunkCount += 1
        endStretch(from: start, now: now)
        let share = share(atLeast: least)
        return hasHeard || share == 0 ? nil : share
    }

    private mutating func endStretch(from start: UInt64, now: UInt64) {
        let elapsed = now - min(start, now)
        guard elapsed >= SendMeasure.leastNanoseconds,
            chunkCount >= SendMeasure.chunkCountPerConnection * connectionCount
        else { return }
        let carried = Double(byteCount) / Double(elapsed) * 1e9
        best = max(carried, (best + carried) / 2)
        shareCount = connectionCount
        self.start = now
        (byteCount, chunkCount, connectionCount) = (0, 0, 0)
        stretch += 1
    }
}
