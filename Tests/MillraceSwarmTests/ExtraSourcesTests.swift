import MillraceWire
import Testing

@testable import MillraceSwarm

@Suite("When another source is tried, and when it is kept")
struct ExtraSourcesTests {
    private static let usual = 100 * millisecond

    private var extra = ExtraSources()
    private var neighbours = Neighbourhood(chunkCount: 4000)
    private var now: UInt64 = 1_000_000_000
    private var frontier: ChunkID = 0
    private var held = 0
    private var listed: [ChunkID] = [0, 0]

    /// The swarm advances by so much in a second, and this peer by so much.
    private mutating func compare(advance: ChunkID, gain: Int) -> Double? {
        if held == 0 { _ = look() }
        now += 1_000_000_000
        frontier += advance
        held += gain
        return look()
    }

    /// The owner hands out no more, and the neighbours have so many chunks more than a second ago.
    private mutating func compare(neighboursGain gains: [ChunkID], gain: Int, isAllOut: Bool = true) -> Double? {
        if held == 0 { _ = look(isAllOut: isAllOut) }
        for (peer, count) in gains.enumerated() {
            let index = neighbours.indexAdding(PeerIndex(peer))
            for chunk in listed[peer]..<listed[peer] + count { neighbours.adds(index, chunk, isWanted: false) }
            listed[peer] += count
        }
        now += 1_000_000_000
        held += gain
        return look(isAllOut: isAllOut)
    }

    private mutating func look(isAllOut: Bool = false) -> Double? {
        extra.compare(frontier: frontier, isAllOut: isAllOut, heldCount: held, &neighbours, now: now)
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
        #expect(later == 0.5 && extra.bestRate == 32)
    }

    @Test mutating func `once all is handed out the fastest neighbour shows how much there is`() {
        for peer in 0..<2 { _ = neighbours.indexAdding(PeerIndex(peer)) }
        for rate in [nil, 57] as [Double?] {
            let before = compare(neighboursGain: [64, 20], gain: 57)
            #expect(before == rate && extra.bestRate == 64)
        }
        let asFast = compare(neighboursGain: [64, 20], gain: 60)
        #expect(asFast == nil)
    }

    /// What a fast owner had handed out by then says nothing, and trials that were in vain for it do not count.
    @Test mutating func `once all is handed out it begins anew`() {
        for _ in 0..<2 { _ = compare(advance: 640, gain: 60) }
        for _ in 0..<4 { _ = `try`(7, before: 60, answers: 0, gain: 1, isLate: true) }
        _ = neighbours.indexAdding(0)
        for rate in [nil, nil, 57] as [Double?] {
            let before = compare(neighboursGain: [64], gain: 57)
            #expect(before == rate)
        }
    }

    @Test mutating func `a fast neighbour is no reason to try others while the owner hands out less`() {
        for peer in 0..<2 { _ = neighbours.indexAdding(PeerIndex(peer)) }
        for _ in 0..<4 {
            let none = compare(neighboursGain: [64, 20], gain: 20, isAllOut: false)
            #expect(none == nil)
        }
    }

    @Test mutating func `a fast owner says nothing of how much others get`() {
        _ = neighbours.indexAdding(0)
        _ = compare(neighboursGain: [0], gain: 1)
        frontier += 640
        _ = compare(neighboursGain: [50], gain: 50)
        #expect(extra.bestRate == 25)
    }

    /// What it holds by then is not what it has got.
    @Test mutating func `one that came later does not count until the next comparison`() {
        _ = compare(advance: 0, gain: 1)
        let unknown = compare(neighboursGain: [200], gain: 1)
        #expect(unknown == nil && extra.bestRate == 0)
        _ = compare(advance: 64, gain: 64)
        _ = compare(neighboursGain: [70], gain: 64)
        #expect(extra.bestRate == 70)
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
