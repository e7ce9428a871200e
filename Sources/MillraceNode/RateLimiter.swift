import MillraceIO

/// What all connections of a node together may send, or take, in a second. Callable from any thread.
final class RateLimiter: Sendable {
    let bytesPerSecond: UInt64
    private let bucket: Lock<TokenBucket>

    init(bytesPerSecond: UInt64, burstNanoseconds: UInt64) {
        self.bytesPerSecond = bytesPerSecond
        bucket = Lock(TokenBucket(bytesPerSecond: bytesPerSecond, burstNanoseconds: burstNanoseconds))
    }

    /// Bytes that leave or come without waiting, such as control frames: chunks make room for them afterwards.
    func charge(_ byteCount: Int, now: UInt64) {
        bucket.withLock { _ = $0.reserve(byteCount, at: now) }
    }

    func reserve(_ byteCount: Int, now: UInt64) -> UInt64 {
        bucket.withLock { $0.reserve(byteCount, at: now) }
    }

    func giveBack(_ byteCount: Int) {
        bucket.withLock { $0.giveBack(byteCount) }
    }

    /// As many bytes as pass in this time, within bounds.
    func byteCount(inNanoseconds nanoseconds: UInt64, atLeast least: Int, atMost most: Int) -> Int {
        let bytes = Double(bytesPerSecond) * Double(nanoseconds) / 1e9
        return max(least, Int(min(bytes, Double(most))))
    }
}

/// The limits of a node, nil where there is none, and what its connections carry.
public struct NodeRates: Sendable {
    let share = SendShare()
    var sending: RateLimiter?
    var receiving: RateLimiter?

    package init(_ options: CommonOptions) {
        sending = options.sendBytesPerSecond.map { NodeRates.limiter($0, NodeLimits.sendBurstNanoseconds) }
        receiving = options.receiveBytesPerSecond.map { NodeRates.limiter($0, NodeLimits.receiveBurstNanoseconds) }
    }

    private static func limiter(_ bytesPerSecond: UInt64, _ burstNanoseconds: UInt64) -> RateLimiter {
        RateLimiter(
            bytesPerSecond: max(bytesPerSecond, CommonOptions.smallestRate), burstNanoseconds: burstNanoseconds)
    }
}

/// One connection's place in the queue of a limiter: at most one reservation at a time, so that connections take turns.
final class RateTurn {
    private let limiter: RateLimiter
    private var reserved: (byteCount: Int, start: UInt64)?

    init(_ limiter: RateLimiter) {
        self.limiter = limiter
    }

    deinit {
        if let reserved { limiter.giveBack(reserved.byteCount) }
    }

    /// Asks to pass so many bytes: nil when they may pass now (then `passed` or `giveBack` follows), else when to ask
    /// again.
    func opensAt(_ byteCount: Int, now: UInt64) -> UInt64? {
        if let reserved, reserved.byteCount != byteCount { giveBack() }
        let start = reserved?.start ?? limiter.reserve(byteCount, now: now)
        reserved = (byteCount, start)
        return start <= now ? nil : start
    }

    /// So many of the reserved bytes have passed; the rest are others'.
    func passed(_ byteCount: Int) {
        guard let turn = reserved else { return }
        reserved = nil
        if byteCount < turn.byteCount { limiter.giveBack(turn.byteCount - byteCount) }
    }

    func giveBack() { passed(0) }
}
