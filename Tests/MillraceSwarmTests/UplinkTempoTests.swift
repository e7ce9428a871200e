import Testing

@testable import MillraceSwarm

@Suite("What the owner's uplink carries")
struct UplinkTempoTests {
    private let turns = 2
    private let limit = 10
    private var window: Int { Int(SwarmLimits.tempoWindowTurns) * turns }

    private func send(_ count: Int, every interval: UInt64, through tempo: inout UplinkTempo, now: inout UInt64) {
        for _ in 0..<count {
            now += interval
            tempo.left(at: now, isFirstOfPeer: false, turns: turns, limit: limit)
        }
    }

    @Test func `nothing is owed before the link has been measured`() {
        var tempo = UplinkTempo()
        var now: UInt64 = 1
        send(window, every: millisecond, through: &tempo, now: &now)
        #expect(tempo.intervalNanoseconds == nil)
        #expect(tempo.owedChunkCount(at: now + 1000 * millisecond, limit: limit) == 0)
    }

    @Test func `the best window counts, and wears off`() throws {
        var tempo = UplinkTempo()
        var now: UInt64 = 1
        send(window + 1, every: 3 * millisecond, through: &tempo, now: &now)
        #expect(tempo.intervalNanoseconds == 3 * millisecond)
        send(window, every: 2 * millisecond, through: &tempo, now: &now)
        #expect(tempo.intervalNanoseconds == 2 * millisecond)
        send(window, every: 5 * millisecond, through: &tempo, now: &now)
        let worn = try #require(tempo.intervalNanoseconds)
        #expect(worn > 2 * millisecond && worn < 2 * millisecond + millisecond / 100)
    }

    @Test func `first chunks, which fill empty sockets, make no link seem faster`() {
        var tempo = UplinkTempo()
        var now: UInt64 = 1
        send(1, every: millisecond, through: &tempo, now: &now)
        for _ in 0..<100 { tempo.left(at: now + 1, isFirstOfPeer: true, turns: turns, limit: limit) }
        send(window, every: 4 * millisecond, through: &tempo, now: &now)
        #expect(tempo.intervalNanoseconds == 4 * millisecond)
    }

    @Test func `a full link owes nothing, one that sends half of what it can soon owes as much as it may`() {
        var tempo = UplinkTempo()
        var now: UInt64 = 1
        send(window + 1, every: 2 * millisecond, through: &tempo, now: &now)
        send(window, every: 2 * millisecond, through: &tempo, now: &now)
        #expect(tempo.owedChunkCount(at: now, limit: limit) == 0)
        send(window, every: 4 * millisecond, through: &tempo, now: &now)
        #expect(tempo.owedChunkCount(at: now, limit: limit) >= limit - 2)
        #expect(tempo.owedChunkCount(at: .max, limit: limit) == limit)
    }

    @Test func `what is owed is paid once chunks leave as fast as they can`() {
        var tempo = UplinkTempo()
        var now: UInt64 = 1
        send(window + 1, every: 2 * millisecond, through: &tempo, now: &now)
        now += 100 * millisecond
        #expect(tempo.owedChunkCount(at: now, limit: limit) == limit)
        send(20 * limit, every: 2 * millisecond, through: &tempo, now: &now)
        #expect(tempo.owedChunkCount(at: now, limit: limit) == 0)
    }

    @Test func `a clock that several threads read may seem to go back`() {
        var tempo = UplinkTempo()
        var now: UInt64 = 1000 * millisecond
        send(window + 1, every: millisecond, through: &tempo, now: &now)
        tempo.left(at: now - 5 * millisecond, isFirstOfPeer: false, turns: turns, limit: limit)
        #expect(tempo.owedChunkCount(at: now - 5 * millisecond, limit: limit) == 0)
    }
}
