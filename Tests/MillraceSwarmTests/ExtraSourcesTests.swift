import MillraceWire
import Testing

@testable import MillraceSwarm

@Suite("When another source is tried, and when it is kept")
struct ExtraSourcesTests {
    private static let usual = 100 * millisecond

    private var extra = ExtraSources()
    private var now: UInt64 = 1_000_000_000
    private var frontier: ChunkID = 0
    private var held = 0

    /// The swarm advances by so much in a second, and this peer by so much.
    private mutating func compare(advance: ChunkID, gain: Int) -> Double? {
        if held == 0 { _ = extra.compare(frontier: frontier, heldCount: held, now: now) }
        now += 1_000_000_000
        frontier += advance
        held += gain
        return extra.compare(frontier: frontier, heldCount: held, now: now)
    }

    /// One on trial is connected and answers so often, while so many chunks come in all, in its time or after it.
    private mutating func `try`(
        _ peer: PeerIndex, before: Double, answers: Int, gain: Int, isLate: Bool = false
    ) -> PeerIndex? {
        extra.try(peer, before: before, now: now)
        extra.connected(peer, usualNanoseconds: Self.usual, heldCount: held, now: now)
        held += gain
        now += SwarmLimits.trialServiceTimes * Self.usual + (isLate ? 1 : 0)
        var left: PeerIndex?
        for _ in 0..<answers { left = extra.answered(peer, heldCount: held, now: now) ?? left }
        return extra.answered(99, heldCount: held, now: now) ?? left
    }

    @Test mutating func `who gets a tenth less than there is, twice in a row, falls behind`() {
        for (gain, falls) in [(57, false), (58, false), (57, false), (57, true), (57, true), (64, false)] {
            let rate = compare(advance: 64, gain: gain)
            #expect((rate != nil) == falls)
        }
    }

    @Test mutating func `no comparison is made before the swarm has come far enough`() {
        _ = compare(advance: 64, gain: 1)
        let early = compare(advance: 63, gain: 1)
        #expect(early == nil)
        let later = compare(advance: 1, gain: 0)
        #expect(later == 0.5 && extra.swarmRate == 32)
    }

    @Test mutating func `one that gives as much as the others, so that more comes, is kept`() {
        let left = `try`(7, before: 30, answers: 4, gain: 8)
        #expect(left == nil)
        #expect(extra.kept == [7])
        #expect(extra.all == [7])
    }

    @Test(arguments: [(30.0, 3, 8), (30.0, 4, 7), (40.0, 4, 8)])
    mutating func `one that gives less, or takes it from the others, is left`(before: Double, answers: Int, gain: Int) {
        let left = `try`(7, before: before, answers: answers, gain: gain, isLate: true)
        #expect(left == 7)
        #expect(extra.all.isEmpty)
    }

    @Test mutating func `one that cannot be connected is left after a while`() {
        extra.try(7, before: 30, now: now)
        let early = extra.answered(1, heldCount: 9, now: now + SwarmLimits.firstHedgeNanoseconds)
        #expect(early == nil)
        let late = extra.answered(1, heldCount: 9, now: now + SwarmLimits.firstHedgeNanoseconds + 1)
        #expect(late == 7)
    }

    @Test mutating func `after each in vain more comparisons pass, up to a limit, and none after one that was kept`() {
        _ = compare(advance: 64, gain: 1)
        for pause in [1, 2, 4, 8, 16, 16] {
            _ = `try`(7, before: 30, answers: 0, gain: 1, isLate: true)
            held = 0
            for _ in 0..<pause {
                let tooEarly = compare(advance: 64, gain: 1)
                #expect(tooEarly == nil)
            }
            let inTime = compare(advance: 64, gain: 1)
            #expect(inTime == 1)
        }
        _ = `try`(7, before: 30, answers: 4, gain: 8)
        held = 0
        let atOnce = compare(advance: 64, gain: 1)
        #expect(atOnce == 1)
    }

    @Test mutating func `no more than a few are kept, and one that is lost makes room`() {
        for peer in 1...UInt32(SwarmLimits.extraSourceLimit) { _ = `try`(peer, before: 1, answers: 4, gain: 8) }
        held = 0
        for _ in 0..<3 {
            let full = compare(advance: 64, gain: 1)
            #expect(full == nil)
        }
        extra.forget(2)
        let again = compare(advance: 64, gain: 1)
        #expect(again == 1)
        #expect(extra.kept == [1, 3])
    }
}
