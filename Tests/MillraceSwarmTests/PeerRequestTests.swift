import MillraceSwarm
import MillraceWire
import Testing

@Suite("What a peer requests")
struct PeerRequestTests {
    @Test func `a chunk is requested when a source lists it`() {
        var bench = PeerBench(chunks: 10, sources: [1])
        bench.holds(1, 4..<5)
        #expect(bench.take() == [.request(1, 4)])
    }

    @Test func `a client that is no source is asked for nothing`() {
        var bench = PeerBench(chunks: 10, sources: [1])
        bench.policy.clientConnected(2)
        bench.holds(2, 0..<10)
        #expect(bench.take() == [])
    }

    @Test func `no chunk is requested before its digest is known`() {
        var bench = PeerBench(chunks: 10, sources: [1], digests: 3)
        bench.holds(1, 3..<10)
        #expect(bench.take() == [])
        bench.policy.digestsKnown(below: 4, at: bench.now, into: &bench.actions)
        #expect(bench.take() == [.request(1, 3)])
    }

    @Test func `each chunk is asked for at one source only`() {
        var bench = PeerBench(chunks: 10, sources: [1, 2, 3])
        for source in 1...3 as ClosedRange<PeerIndex> { bench.holds(source, 0..<3) }
        #expect(Set(bench.take().requests.map(\.chunk)) == [0, 1, 2])
    }

    @Test func `two requests wait at a source, four where sources are few`() {
        var many = PeerBench(chunks: 100, sources: [1, 2, 3])
        many.holds(1, 0..<100)
        #expect(many.take().requests.count == SwarmLimits.requestWindowPerSource)
        var few = PeerBench(chunks: 100, sources: [1])
        few.holds(1, 0..<100)
        #expect(few.take().requests.count == SwarmLimits.requestWindowPerFewSources)
    }

    @Test func `the window over all sources has a bound, spread evenly`() {
        var bench = PeerBench(chunks: 100, sources: [1, 2, 3, 4, 5, 6, 7, 8])
        for source in 1...8 as ClosedRange<PeerIndex> { bench.holds(source, 0..<100) }
        let requests = bench.take().requests
        #expect(requests.count == SwarmLimits.requestWindow)
    }

    @Test func `the least busy source is asked next`() {
        var bench = PeerBench(chunks: 100, sources: [1, 2, 3])
        bench.holds(1, 0..<1)
        _ = bench.take()
        bench.holds(2, 1..<3)
        bench.holds(1, 1..<3)
        let asked = bench.take().requests.map(\.peer)
        #expect(asked.first == 2)
    }

    @Test func `the rarest chunk goes first`() {
        for seed in 1...20 as ClosedRange<UInt64> {
            var bench = PeerBench(chunks: 50, sources: [1, 2, 3], digests: 0, seed: seed)
            bench.holds(1, 0..<50)
            bench.holds(2, 0..<50)
            bench.holds(3, 0..<30)
            bench.holds(3, 31..<50)
            bench.policy.clientConnected(9)
            bench.holds(9, 0..<30)
            bench.policy.digestsKnown(below: 50, at: bench.now, into: &bench.actions)
            let first = bench.take().requests.first
            #expect(first.map { $0.peer == 3 ? $0.chunk > 30 : $0.chunk == 30 } == true)
        }
    }

    @Test func `ties are broken by the seed, and the same seed breaks them alike`() {
        let firsts = (1...20 as ClosedRange<UInt64>).map { seed in
            var bench = PeerBench(chunks: 1000, sources: [1], seed: seed)
            bench.holds(1, 0..<1000)
            return bench.take().requests.map(\.chunk)
        }
        #expect(Set(firsts).count > 10)
        var again = PeerBench(chunks: 1000, sources: [1], seed: 7)
        again.holds(1, 0..<1000)
        #expect(again.take().requests.map(\.chunk) == firsts[6])
    }

    @Test func `the next request goes out as soon as a chunk is verified`() {
        var bench = PeerBench(chunks: 100, sources: [1, 2, 3])
        bench.holds(1, 0..<100)
        let asked = bench.take().requests
        bench.now += 4 * millisecond
        bench.verified(asked[0].chunk, from: .peer(1))
        #expect(bench.take().requests.count == 1)
    }

    @Test func `windows grow where a chunk takes far less than a round trip`() {
        var bench = PeerBench(chunks: 1000, sources: [1])
        bench.holds(1, 0..<1000)
        var requests = bench.take().requests
        for _ in 0..<40 {
            bench.now += 20_000
            bench.verified(requests.removeFirst().chunk, from: .peer(1))
            requests += bench.take().requests
        }
        #expect(requests.count > 30)
    }

    @Test func `a source without the chunk is asked for it no more`() {
        var bench = PeerBench(chunks: 10, sources: [1])
        bench.holds(1, 4..<5)
        _ = bench.take()
        bench.policy.rejected(4, by: 1, reason: .notHeld, at: bench.now, into: &bench.actions)
        #expect(bench.take() == [])
        bench.holds(1, 4..<5)
        #expect(bench.take() == [.request(1, 4)])
    }

    @Test func `a complete peer wants nothing`() {
        var bench = PeerBench(chunks: 2, sources: [1])
        bench.start()
        bench.verified(0, from: .disk)
        bench.verified(1, from: .disk)
        #expect(bench.policy.isComplete)
        _ = bench.take()
        bench.holds(1, 0..<2)
        bench.tick()
        #expect(bench.take() == [])
        #expect(bench.policy.nextDeadline == nil)
    }

    @Test func `answers nobody waits for do no harm`() {
        var bench = PeerBench(chunks: 10, sources: [1])
        bench.policy.rejected(4, by: 1, reason: .cancelled, at: bench.now, into: &bench.actions)
        bench.policy.rejected(4, by: 8, reason: .notHeld, at: bench.now, into: &bench.actions)
        bench.policy.superfluous(3, from: .peer(8), at: bench.now, into: &bench.actions)
        bench.policy.sourceLost(8, at: bench.now, into: &bench.actions)
        bench.policy.clientLost(8)
        #expect(bench.take() == [])
    }
}
