import Testing

@testable import MillraceIO

@Suite struct SendTurnsTests {
    private static let turn: UInt64 = 40_000_000

    /// Outside of the macro, which can't call what mutates.
    private func expect(_ condition: Bool, at location: SourceLocation = #_sourceLocation) {
        #expect(condition, sourceLocation: location)
    }

    private func connections(_ count: Int) throws -> [WakeUp] {
        try (0..<count).map { _ in try WakeUp() }
    }

    @Test func oneSendsAndTheOthersFollowInTheOrderOfAsking() throws {
        let all = try connections(3)
        var turns = SendTurns()
        expect(turns.take(all[0], nanoseconds: Self.turn, now: 1) == nil)
        expect(turns.take(all[1], nanoseconds: Self.turn, now: 2) == 1 + Self.turn)
        expect(turns.take(all[2], nanoseconds: Self.turn, now: 3) == 1 + Self.turn)
        // Who has its turn still has it.
        expect(turns.take(all[0], nanoseconds: Self.turn, now: 4) == nil)
        expect(turns.giveBack(all[0]) === all[1])
        // Whoever asks first: it is the other's.
        expect(turns.take(all[2], nanoseconds: Self.turn, now: 5) != nil)
        expect(turns.take(all[1], nanoseconds: Self.turn, now: 6) == nil)
        expect(turns.giveBack(all[1]) === all[2])
        expect(turns.take(all[2], nanoseconds: Self.turn, now: 7) == nil)
        expect(turns.giveBack(all[2]) == nil)
    }

    /// The other side does not read: nobody else waits for that.
    @Test func aTurnEndsAfterItsTime() throws {
        let all = try connections(2)
        var turns = SendTurns()
        expect(turns.take(all[0], nanoseconds: Self.turn, now: 0) == nil)
        expect(turns.take(all[1], nanoseconds: Self.turn, now: Self.turn - 1) == Self.turn)
        expect(turns.take(all[1], nanoseconds: Self.turn, now: Self.turn) == nil)
        // What it gives back late is no longer its.
        expect(turns.giveBack(all[0]) == nil)
        expect(turns.take(all[0], nanoseconds: Self.turn, now: Self.turn + 1) == 2 * Self.turn)
    }

    @Test func whoNoLongerWantsItKeepsNobodyWaiting() throws {
        let all = try connections(3)
        var turns = SendTurns()
        for connection in all { _ = turns.take(connection, nanoseconds: Self.turn, now: 0) }
        expect(turns.giveBack(all[1]) == nil)
        expect(turns.giveBack(all[0]) === all[2])
        expect(turns.take(all[2], nanoseconds: Self.turn, now: 1) == nil)
    }
}
