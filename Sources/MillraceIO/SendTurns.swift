/// Which connection of a node sends where only one may at a time, as a pure value. Who waits has its turn in the order
/// of asking. A connection is known by its wake-up.
struct SendTurns: Sendable {
    /// A turn may take so many times as long as a chunk needs where nothing else is sent, within these bounds.
    private static let patienceTimes = 4.0
    private static let leastNanoseconds = 20e6
    private static let mostNanoseconds = 60e9

    private var turn: (holder: WakeUp, end: UInt64)?
    private var waiting: [WakeUp] = []

    /// How long the turn for one chunk may take.
    static func nanoseconds(for byteCount: Int, bytesPerSecond: Double) -> UInt64 {
        let usual = Double(byteCount) / max(bytesPerSecond, 1) * 1e9
        return UInt64(min(max(patienceTimes * usual, leastNanoseconds), mostNanoseconds))
    }

    /// Asks for a turn. Returns nil if it is the asker's now, else when it is to ask again unless it is woken before.
    ///
    /// - Parameter nanoseconds: how long the turn may take. Who takes longer has a slow other side, and goes on beside
    ///   the next.
    mutating func take(_ asker: WakeUp, nanoseconds: UInt64, now: UInt64) -> UInt64? {
        if let turn {
            if turn.holder === asker { return nil }
            if now < turn.end {
                wait(asker)
                return turn.end
            }
            self.turn = nil
        }
        if let first = waiting.first, first !== asker {
            wait(asker)
            return now + nanoseconds
        }
        waiting.removeAll { $0 === asker }
        turn = (asker, now + nanoseconds)
        return nil
    }

    /// The turn is over, or no longer wanted. Returns who is to be woken, to ask again.
    mutating func giveBack(_ holder: WakeUp) -> WakeUp? {
        waiting.removeAll { $0 === holder }
        guard let turn, turn.holder === holder else { return nil }
        self.turn = nil
        return waiting.first
    }

    private mutating func wait(_ asker: WakeUp) {
        if !waiting.contains(where: { $0 === asker }) { waiting.append(asker) }
    }
}
