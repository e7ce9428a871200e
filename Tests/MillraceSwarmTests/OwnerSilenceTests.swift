import MillraceSwarm
import MillraceWire
import Testing

@Suite("What the owner does about peers that list nothing")
struct OwnerSilenceTests {
    @Test func `a silent peer's grant is offered to others after a while`() throws {
        var bench = OwnerBench(chunks: 3, peers: 2)
        try bench.policy.credit(1, count: 1)
        #expect(bench.pump() == [.grant(1, 0)])
        bench.deliver(0, to: 1)
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump() == [.grant(0, 1)])
        for chunk in [2, 1] as [ChunkID] {
            try bench.policy.credit(1, count: 1)
            if chunk == 1 { bench.now = try #require(bench.policy.nextDeadline(at: bench.now)) }
            #expect(bench.pump() == [.grant(1, chunk)])
            bench.deliver(chunk, to: 1)
        }
        #expect(bench.now >= SwarmLimits.shortestGrantPatienceNanoseconds)
    }

    /// Peer 0 lists its grants after the first time, peer 1 after the second; then each is granted one more.
    private func bench(listing first: UInt64, _ second: UInt64) throws -> OwnerBench {
        var bench = OwnerBench(chunks: 100, peers: 3)
        try bench.handOut(20, to: [0], after: first) { _ in 2 }
        try bench.handOut(20, to: [1], after: second) { _ in 2 }
        for peer in 0..<2 as Range<PeerIndex> {
            try bench.policy.credit(peer, count: 1)
            #expect(bench.pump() == [.grant(peer, 40 + peer)])
        }
        return bench
    }

    /// Which chunks of the two may be granted to others after so long.
    private func offered(_ bench: inout OwnerBench, after delay: UInt64) throws -> [ChunkID] {
        bench.now += delay
        try bench.policy.credit(2, count: 2)
        var offered: [ChunkID] = []
        while case .grant(2, let chunk)? = bench.pump().first {
            bench.policy.wrote(2, at: bench.now)
            if chunk < 42 { offered.append(chunk) }
        }
        return offered
    }

    @Test func `who is slow always has longer`() throws {
        for (delay, chunks) in [(1_000, [41]), (7_000, [41]), (9_000, [40, 41])] as [(UInt64, [ChunkID])] {
            var bench = try bench(listing: 2_000 * millisecond, 20 * millisecond)
            #expect(try offered(&bench, after: delay * millisecond) == chunks)
        }
    }

    @Test func `a newcomer that has listed nothing has longer than others`() throws {
        var bench = try bench(listing: 200 * millisecond, 200 * millisecond)
        let place = bench.policy.join(address: address(9))
        let newcomer = try #require(place).peer
        for chunk in 40..<42 as Range<ChunkID> { bench.deliver(chunk, to: chunk - 40, after: 0) }
        try bench.policy.credit(newcomer, count: 1)
        #expect(bench.pump() == [.grant(newcomer, 42)])
        bench.now += 1_000 * millisecond
        try bench.policy.credit(2, count: 1)
        #expect(bench.pump() == [.grant(2, 43)])
        bench.deliver(43, to: 2, after: 0)
        bench.now += 4_000 * millisecond
        try bench.policy.credit(2, count: 1)
        #expect(bench.pump() == [.grant(2, 42)])
    }

    @Test func `what a peer has listed is not offered again, whoever lacks it`() throws {
        var bench = try bench(listing: 20 * millisecond, 20 * millisecond)
        bench.deliver(40, to: 0)
        bench.deliver(41, to: 1)
        #expect(try offered(&bench, after: 10 * SwarmLimits.shortestGrantPatienceNanoseconds) == [])
    }

    /// Peer 0 lists two of three grants, the second of them so much later, and nothing more.
    private func benchThatFallsSilent(after pause: UInt64 = 4 * millisecond) throws -> OwnerBench {
        var bench = try bench(listing: 20 * millisecond, 20 * millisecond)
        bench.deliver(40, to: 0)
        bench.deliver(41, to: 1)
        bench.holds(2, 41)
        for chunk in [42, 43] as [ChunkID] {
            try bench.policy.credit(0, count: 1)
            #expect(bench.pumpInTime() == [.grant(0, chunk)])
            if chunk == 42 { bench.deliver(chunk, to: 0, after: pause) }
        }
        bench.policy.wrote(0, at: bench.now)
        return bench
    }

    /// Its neighbours may not have heard of it: they would all wait for that at the end.
    @Test func `what a peer listed just before it fell silent is offered again`() throws {
        var bench = try benchThatFallsSilent()
        bench.now += SwarmLimits.shortestGrantPatienceNanoseconds
        try bench.policy.credit(2, count: 3)
        var again: [OwnerAction] = []
        for _ in 0..<3 {
            again += bench.pump()
            bench.policy.wrote(2, at: bench.now)
        }
        #expect(again == [40, 42, 43].map { .grant(2, $0) })
        // Once: what it says later of the same chunks changes nothing.
        for chunk in 42...43 as ClosedRange<ChunkID> { bench.holds(0, chunk) }
        for chunk in [40, 42, 43] as [ChunkID] { bench.holds(2, chunk) }
        try bench.policy.credit(1, count: 1)
        #expect(bench.pump() == [.grant(1, 44)])
    }

    @Test func `who speaks again has what it has for others: it is not sent once more`() throws {
        var bench = try benchThatFallsSilent()
        bench.now += SwarmLimits.shortestGrantPatienceNanoseconds
        try bench.policy.credit(2, count: 1)
        #expect(bench.pump() == [.grant(2, 40)])
        bench.policy.wrote(2, at: bench.now)
        bench.holds(0, 43)
        try bench.policy.credit(2, count: 1)
        #expect(bench.pump() == [.grant(2, 44)])
    }

    @Test func `what it listed long before is its neighbours' to fetch`() throws {
        var bench = try benchThatFallsSilent(after: SwarmLimits.unheardNanoseconds + millisecond)
        #expect(try offered(&bench, after: SwarmLimits.shortestGrantPatienceNanoseconds) == [])
    }

    @Test func `what others have by then is not offered again`() throws {
        var bench = try benchThatFallsSilent()
        for chunk in [40, 42] as [ChunkID] { bench.holds(1, chunk) }
        bench.now += SwarmLimits.shortestGrantPatienceNanoseconds
        try bench.policy.credit(2, count: 2)
        #expect(bench.pump() == [.grant(2, 43)])
    }

    @Test func `who lets one grant lapse and goes on with others has not fallen silent`() throws {
        var bench = try benchThatFallsSilent()
        bench.now += SwarmLimits.shortestGrantPatienceNanoseconds / 2
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump() == [.grant(0, 44)])
        bench.deliver(44, to: 0)
        bench.holds(1, 44)
        bench.now += SwarmLimits.shortestGrantPatienceNanoseconds / 2
        try bench.policy.credit(2, count: 2)
        #expect(bench.pump() == [.grant(2, 43)])
    }

    @Test func `the only peer's grants are not offered again: nobody else could take them`() throws {
        var bench = OwnerBench(chunks: 100, peers: 1)
        for chunk in 0..<20 as Range<ChunkID> {
            try bench.policy.credit(0, count: 1)
            #expect(bench.pump() == [.grant(0, chunk)])
            bench.deliver(chunk, to: 0)
        }
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump() == [.grant(0, 20)])
        bench.now += 60_000 * millisecond
        bench.policy.wrote(0, at: bench.now)
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump() == [.grant(0, 21)])
    }

    @Test func `who lets grants lapse waits until it lists a chunk, and then has as long as that took`() throws {
        var bench = try bench(listing: 20 * millisecond, 20 * millisecond)
        bench.policy.wrote(0, at: bench.now)
        bench.deliver(41, to: 1)
        #expect(try offered(&bench, after: 500 * millisecond) == [40])
        for chunk in [40, 42] as [ChunkID] { bench.holds(2, chunk) }
        try bench.policy.credit(0, count: 1)
        guard case .grant(0, _)? = bench.pump().first else {
            Issue.record("one lapse is no reason to be passed over")
            return
        }
        bench.policy.wrote(0, at: bench.now)
        _ = try offered(&bench, after: 500 * millisecond)
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump().isEmpty)
        bench.holds(0, 40)
        guard case .grant(0, _)? = bench.pump().first else {
            Issue.record("it has listed a chunk")
            return
        }
    }
}
