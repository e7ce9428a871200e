import MillraceIO

/// What the limits of its node mean to one connection, and what it has in common with the node's others. Without limits
/// none of it makes a system call, or takes a lock before a chunk is sent.
package struct ConnectionRates: ~Copyable {
    private var sending: RateLimiter?
    private var sendTurn: RateTurn?
    private var receiving: RateLimiter?
    private var receiveTurn: RateTurn?
    private let pieceByteCount: Int
    /// What connections of the node carry that send chunks.
    let share: SendShare
    /// What the kernel was last told.
    private var pacing: UInt64 = 0
    /// When the next chunk may leave; nil when none waits for that.
    package private(set) var sendsAt: UInt64?

    /// No limits, and nothing in common with other connections unless it is said.
    init(share: SendShare = SendShare()) {
        pieceByteCount = .max
        self.share = share
    }

    /// For a connection that sends chunks and takes control frames. What it takes is counted but never waits.
    package init(serving rates: NodeRates) {
        sending = rates.sending
        sendTurn = rates.sending.map { RateTurn($0) }
        receiving = rates.receiving
        share = rates.share
        pieceByteCount = .max
    }

    /// For a connection that takes chunks and sends control frames. What it sends is counted but never waits.
    init(fetching rates: NodeRates, _ socket: borrowing Socket) {
        sending = rates.sending
        receiving = rates.receiving
        share = rates.share
        guard let receiving else {
            pieceByteCount = .max
            return
        }
        receiveTurn = RateTurn(receiving)
        pieceByteCount = receiving.byteCount(
            inNanoseconds: NodeLimits.ratePieceNanoseconds, atLeast: NodeLimits.smallestRatePieceByteCount,
            atMost: NodeLimits.largestRatePieceByteCount)
        socket.setWindowLimit(
            byteCount: receiving.byteCount(
                inNanoseconds: NodeLimits.rateWindowNanoseconds, atLeast: NodeLimits.smallestRateWindowByteCount,
                atMost: .max))
    }

    package var limitsChunks: Bool { sendTurn != nil }

    /// Counts control bytes, which are sent at once.
    package func charge(_ byteCount: Int) {
        sending?.charge(byteCount, now: MonotonicClock.nowNanoseconds)
    }

    /// How many chunks of these lengths may leave now. The first that may not keeps its place in the queue.
    package mutating func admit(_ lengths: some Sequence<Int>, now: UInt64, on socket: borrowing Socket) -> Int {
        sendsAt = nil
        var count = 0
        var isIdle = true
        for byteCount in lengths {
            isIdle = false
            sendsAt = sendTurn?.opensAt(byteCount, now: now)
            if sendsAt != nil { break }
            sendTurn?.passed(byteCount)
            pace(chunkOf: byteCount, on: socket)
            count += 1
            isIdle = true
        }
        if isIdle { sendTurn?.giveBack() }
        return count
    }

    /// The bucket says when a chunk may leave; that it does not leave as one burst is the kernel's part. It gets some
    /// room to catch up, little where one chunk alone fills a good part of a second.
    private mutating func pace(chunkOf byteCount: Int, on socket: borrowing Socket) {
        guard let rate = sending?.bytesPerSecond else { return }
        let isLong = Double(byteCount) / Double(rate) > Double(NodeLimits.longRateChunkNanoseconds) / 1e9
        let wanted = isLong ? rate + rate / 50 : rate + rate / 4
        guard wanted != pacing else { return }
        pacing = wanted
        socket.setPacing(bytesPerSecond: wanted)
    }

    /// When the socket may be read; nil for now.
    func readsAt(now: UInt64) -> UInt64? {
        receiveTurn?.opensAt(pieceByteCount, now: now)
    }

    /// How much may be read at once.
    var readByteCount: Int { pieceByteCount }

    /// So much was read, after `readsAt` had said that it may.
    func hasRead(_ byteCount: Int) {
        if let receiveTurn {
            receiveTurn.passed(byteCount)
        } else {
            receiving?.charge(byteCount, now: MonotonicClock.nowNanoseconds)
        }
    }
}
