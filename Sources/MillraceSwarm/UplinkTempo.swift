/// What the owner's link carries, from the times at which chunks left for their sockets, and how many chunks fewer than
/// that it sent of late. Readers whose own links are full of what others send them make an uplink idle that seems busy.
struct UplinkTempo: Sendable {
    /// The mean time between two chunks in the best window so far, a little longer after each: a link may become
    /// a slower one. Nil before the first window.
    private(set) var intervalNanoseconds: UInt64?
    private var windowStart: UInt64?
    private var windowChunkCount: UInt64 = 0
    private var owedNanoseconds: UInt64 = 0
    private var owedAt: UInt64 = 0

    /// A chunk has left. The first to a peer does not count: it fills an empty socket.
    ///
    /// - Parameters:
    ///   - turns: peers sent to at a time; their chunks may leave all at once, and a window is sixteen times as many.
    ///   - limit: the most chunks that the link can owe.
    mutating func left(at now: UInt64, isFirstOfPeer: Bool, turns: Int, limit: Int) {
        pay(at: now, limit: limit)
        guard let start = windowStart, now > start else { return beginWindow(at: now) }
        if !isFirstOfPeer { windowChunkCount += 1 }
        guard windowChunkCount >= SwarmLimits.tempoWindowTurns * UInt64(turns) else { return }
        let mean = (now - start) / windowChunkCount
        intervalNanoseconds = max(1, intervalNanoseconds.map { min(mean, $0 + $0 / 512) } ?? mean)
        beginWindow(at: now)
    }

    /// How many chunks the link could have sent besides those it did.
    func owedChunkCount(at now: UInt64, limit: Int) -> Int {
        guard let interval = intervalNanoseconds else { return 0 }
        return Int(owed(at: now, limit: limit) / interval)
    }

    private mutating func beginWindow(at now: UInt64) {
        windowStart = now
        windowChunkCount = 0
    }

    /// A chunk pays for a tenth more than its time, so that what measuring adds does not add up.
    private mutating func pay(at now: UInt64, limit: Int) {
        let time = intervalNanoseconds ?? 0
        let owed = owed(at: now, limit: limit)
        owedNanoseconds = owed - min(owed, time + time / 10)
        owedAt = max(owedAt, now)
    }

    private func owed(at now: UInt64, limit: Int) -> UInt64 {
        guard let interval = intervalNanoseconds else { return 0 }
        let most = interval.multipliedReportingOverflow(by: UInt64(max(0, limit)))
        let (owed, overflow) = owedNanoseconds.addingReportingOverflow(now > owedAt ? now - owedAt : 0)
        return min(overflow ? .max : owed, most.overflow ? .max : most.partialValue)
    }
}
