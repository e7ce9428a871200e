/// Turns at a given rate, as a pure value: bytes are reserved in the order they are asked for, and each reservation
/// says when it may pass. A token bucket in its time form (the generic cell rate algorithm of ITU-T I.371): instead of
/// counting tokens it keeps the time at which all that was reserved has passed.
///
/// Over any time T at most `bytesPerSecond` * (T + burst) bytes pass, and one reservation more; none of the rate is
/// lost while who reserved is late by no more than the burst.
struct TokenBucket: Sendable {
    let bytesPerSecond: UInt64
    /// Time that may be made up for after a pause.
    let burstNanoseconds: UInt64
    private var freeAt: UInt64 = 0
    /// Nanoseconds too short to count, in `bytesPerSecond`-ths.
    private var remainder: UInt64 = 0

    init(bytesPerSecond: UInt64, burstNanoseconds: UInt64) {
        precondition(bytesPerSecond > 0, "a rate of nothing lets nothing pass")
        self.bytesPerSecond = bytesPerSecond
        self.burstNanoseconds = burstNanoseconds
    }

    /// Reserves bytes behind all that was reserved before; returns when they may pass, now or earlier if at once.
    mutating func reserve(_ byteCount: Int, at now: UInt64) -> UInt64 {
        let earliest = now > burstNanoseconds ? now - burstNanoseconds : 0
        if freeAt < earliest {
            freeAt = earliest
            remainder = 0
        }
        let start = freeAt
        let (nanoseconds, rest) = duration(of: byteCount, carrying: remainder)
        freeAt += nanoseconds
        remainder = rest
        return start
    }

    /// Gives back what was reserved and will not be used.
    mutating func giveBack(_ byteCount: Int) {
        let (nanoseconds, _) = duration(of: byteCount, carrying: 0)
        freeAt = freeAt > nanoseconds ? freeAt - nanoseconds : 0
    }

    private func duration(of byteCount: Int, carrying carried: UInt64) -> (nanoseconds: UInt64, rest: UInt64) {
        precondition(byteCount >= 0, "\(byteCount) bytes")
        let product = UInt64(byteCount).multipliedFullWidth(by: 1_000_000_000)
        let (low, overflow) = product.low.addingReportingOverflow(carried)
        let high = product.high + (overflow ? 1 : 0)
        precondition(high < bytesPerSecond, "\(byteCount) bytes at \(bytesPerSecond) bytes/s take centuries")
        let (quotient, rest) = bytesPerSecond.dividingFullWidth((high, low))
        return (quotient, rest)
    }
}
