import MillraceSwarm
import MillraceWire
import Testing

@Suite("The owner when peers fail")
struct OwnerFaultTests {
    @Test func `a rescue goes to another holder first`() {
        var bench = OwnerBench(chunks: 4, peers: 3)
        bench.holds(2, 1)
        #expect(bench.rescue(0, 1, from: 1) == [.ask(0, 1, from: 2)])
        #expect(bench.policy.sentChunkCount == 0)
    }

    @Test func `the owner sends a second copy only if nobody else can`() throws {
        var bench = OwnerBench(chunks: 4, peers: 2)
        try bench.policy.credit(1, count: 1)
        #expect(bench.pump() == [.grant(1, 0)])
        bench.deliver(0, to: 1)
        #expect(bench.rescue(0, 0, from: 1) == [.send(0, 0)])
        #expect(bench.policy.rescueCount == 1)
    }

    @Test func `the next to need a rescued chunk is sent to whoever got it`() {
        var bench = OwnerBench(chunks: 4, peers: 4)
        bench.holds(1, 0)
        #expect(bench.rescue(0, 0, from: 1) == [.send(0, 0)])
        #expect(bench.rescue(2, 0, from: 1) == [.ask(2, 0, from: 0)])
        bench.now += 4 * SwarmLimits.shortestHedgeNanoseconds
        #expect(bench.rescue(3, 0, from: 1) == [.send(3, 0)])
    }

    @Test func `a rescued chunk is not sent to the same peer twice`() {
        var bench = OwnerBench(chunks: 4, peers: 2)
        bench.holds(1, 0)
        #expect(bench.rescue(0, 0, from: 1) == [.send(0, 0)])
        bench.now += 1_000 * millisecond
        #expect(bench.rescue(0, 0, from: 1) == [])
    }

    @Test func `a peer that reaches nobody gets from the owner what it lacks`() {
        var bench = OwnerBench(chunks: 40, peers: 4)
        for peer in 1...3 as ClosedRange<PeerIndex> {
            for chunk in 0..<20 as Range<ChunkID> { bench.holds(peer, chunk) }
        }
        var failed: PeerIndex?
        for _ in 0..<SwarmLimits.vainAskLimit {
            guard case .ask(0, 0, let other) = bench.rescue(0, 0, from: failed).first else {
                Issue.record("nobody was named")
                return
            }
            failed = other
        }
        #expect(bench.rescue(0, 0, from: failed) == [.send(0, 0)])
        bench.holds(0, 0)
        #expect(bench.rescue(0, 1, from: nil) == [.send(0, 1)])
        bench.holds(0, 1)
        // A chunk from another peer: there is a way after all.
        bench.holds(0, 2)
        #expect(bench.rescue(0, 3, from: nil) == [.ask(0, 3, from: 3)])
    }

    @Test func `a chunk on its way to a peer is not sent to others`() throws {
        var bench = OwnerBench(chunks: 4, peers: 2)
        try bench.policy.credit(1, count: 1)
        #expect(bench.pump() == [.grant(1, 0)])
        #expect(bench.rescue(0, 0, from: nil) == [.ask(0, 0, from: 1)])
        #expect(bench.rescue(1, 0, from: nil) == [])
    }

    @Test func `a peer struck twice is granted nothing while others are free of strikes`() throws {
        var bench = OwnerBench(chunks: 100, peers: 2)
        for chunk in [0, 1] as [ChunkID] {
            try bench.policy.credit(1, count: 1)
            #expect(bench.pump() == [.grant(1, chunk)])
            bench.deliver(chunk, to: 1)
            #expect(bench.rescue(0, chunk, from: 1) == [.send(0, chunk)])
            bench.holds(0, chunk)
        }
        try bench.policy.credit(1, count: 1)
        #expect(bench.pump() == [])
        bench.policy.complete(0)
        #expect(bench.pump() == [.grant(1, 2)])
    }

    @Test func `what only a dead peer had is offered again`() throws {
        var bench = OwnerBench(chunks: 3, peers: 2)
        try bench.policy.credit(0, count: 2)
        #expect(bench.pump() == [.grant(0, 0)])
        bench.deliver(0, to: 0)
        #expect(bench.pump() == [.grant(0, 1)])
        bench.policy.left(0)
        for chunk in [0, 1, 2] as [ChunkID] {
            try bench.policy.credit(1, count: 1)
            #expect(bench.pump() == [.grant(1, chunk)])
            bench.deliver(chunk, to: 1)
        }
        #expect(!bench.policy.isMember(0))
    }

    @Test func `what a dead peer had and others have too is not offered again`() throws {
        var bench = OwnerBench(chunks: 1, peers: 2)
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump() == [.grant(0, 0)])
        bench.deliver(0, to: 0)
        bench.holds(1, 0)
        bench.policy.left(0)
        #expect(bench.policy.firstPassIsOut)
    }

    @Test func `a dead peer's chunk that is not hashed yet is not offered`() throws {
        var bench = OwnerBench(chunks: 4, peers: 2, hashed: 1)
        bench.holds(0, 3)
        bench.policy.left(0)
        bench.policy.holds(1, 0..<1)
        try bench.policy.credit(1, count: 1)
        #expect(bench.pump() == [])
    }

    @Test func `two accusers have a liar evicted, one twice does not`() {
        var bench = OwnerBench(chunks: 4, peers: 4)
        var actions: [OwnerAction] = []
        bench.policy.bad(3, by: 0, into: &actions)
        bench.policy.bad(3, by: 0, into: &actions)
        bench.policy.bad(3, by: 3, into: &actions)
        #expect(actions == [])
        bench.policy.bad(3, by: 1, into: &actions)
        #expect(actions == [.evict(3)])
    }

    @Test func `a liar is not recommended to the one it lied to`() {
        var bench = OwnerBench(chunks: 4, peers: 2)
        var actions: [OwnerAction] = []
        bench.holds(1, 0)
        bench.policy.bad(1, by: 0, into: &actions)
        #expect(bench.rescue(0, 0, from: nil) == [.send(0, 0)])
    }

    @Test func `messages about peers and chunks that do not exist do nothing`() throws {
        var bench = OwnerBench(chunks: 4, peers: 1)
        try bench.policy.credit(9, count: 1)
        bench.policy.wrote(9, at: 0)
        bench.policy.left(9)
        bench.policy.complete(9)
        bench.policy.holds(9, 0..<1)
        #expect(bench.rescue(9, 0, from: nil) == [])
        #expect(bench.rescue(0, 99, from: nil) == [])
        #expect(bench.pump() == [])
    }
}
