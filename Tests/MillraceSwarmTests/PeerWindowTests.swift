import MillraceWire
import Testing

@testable import MillraceSwarm

@Suite("How much a peer has in flight, and how often it tells")
struct PeerWindowTests {
    /// A peer that gets a chunk every eight milliseconds, on a ring of so many.
    private func bench(members: Int) -> PeerBench {
        var bench = PeerBench(chunks: 200, sources: Array(1..<PeerIndex(members)))
        bench.start()
        for chunk in 0..<60 as Range<ChunkID> {
            bench.now += 8 * millisecond
            bench.verified(chunk, from: .grant)
        }
        return bench
    }

    @Test func `the first chunk is announced at once, the others one by one`() {
        #expect(PeerBench(chunks: 10, sources: [1]).policy.announceNanoseconds == 0)
        #expect(bench(members: 5).policy.announceNanoseconds == 8 * millisecond)
    }

    @Test func `the owner hears after the neighbours, of many from each more seldom, but not for ever`() {
        #expect(bench(members: 5).policy.ownerAnnounceNanoseconds == 16 * millisecond)
        #expect(bench(members: 40).policy.ownerAnnounceNanoseconds == 80 * millisecond)
        #expect(bench(members: 400).policy.ownerAnnounceNanoseconds == SwarmLimits.longestAnnounceNanoseconds)
    }

    @Test func `nothing waits to be told to the owner once all is there`() {
        var bench = PeerBench(chunks: 3, sources: [1])
        for chunk in 0..<3 as Range<ChunkID> {
            bench.now += 4 * millisecond
            bench.verified(chunk, from: .grant)
        }
        #expect(bench.policy.ownerAnnounceNanoseconds == 0)
    }

    @Test func `a fast link announces in batches of its shortest pause`() {
        var bench = PeerBench(chunks: 200, sources: [1])
        for chunk in 0..<100 as Range<ChunkID> {
            bench.now += millisecond / 10
            bench.verified(chunk, from: .grant)
        }
        #expect(bench.policy.announceNanoseconds == SwarmLimits.shortestAnnounceNanoseconds)
    }

    @Test func `on a large ring one request waits at each source and one credit with the owner`() {
        var bench = PeerBench(chunks: 200, sources: Array(1...80))
        bench.start()
        #expect(bench.take().contains(.credit(1)))
        for source in bench.policy.wantedSources { bench.holds(source, 0..<6) }
        let asked = bench.take().requests.map(\.peer)
        #expect(asked.count == SwarmLimits.requestWindow)
        #expect(Set(asked).count == asked.count)
    }

    @Test(arguments: [SwarmLimits.middlingRingCount - 1, SwarmLimits.middlingRingCount])
    func `one request waits at a source from a dozen members on, two below`(members: Int) {
        var bench = bench(members: members)
        _ = bench.take()
        bench.holds(bench.policy.wantedSources[0], 0..<200)
        let isMiddling = members == SwarmLimits.middlingRingCount
        #expect(bench.take().requests.count == (isMiddling ? 1 : SwarmLimits.requestWindowPerSource))
    }

    @Test(arguments: [
        (SwarmLimits.middlingRingCount - 1, SwarmLimits.requestWindow),
        (SwarmLimits.middlingRingCount, SwarmLimits.middlingSourceCount),
        (SwarmLimits.largeRingCount, SwarmLimits.middlingSourceCount),
    ])
    func `from a dozen members on one chunk of each of five sources is in flight`(members: Int, count: Int) {
        var bench = bench(members: members)
        _ = bench.take()
        for source in bench.policy.wantedSources { bench.holds(source, 60..<66) }
        #expect(bench.take().requests.count == count)
    }

    @Test func `who is behind three of its sources asks two chunks of each until it has caught up`() {
        var bench = bench(members: 20)
        _ = bench.take()
        let sources = bench.policy.wantedSources
        for source in sources.dropFirst(3) { bench.holds(source, 60..<63) }
        for source in sources.prefix(3) { bench.holds(source, 60..<90) }
        let asked = bench.take().requests
        #expect(asked.count { $0.peer == sources[0] } == 2)
        #expect(asked.count <= 2 * sources.count)
        var left = asked
        for _ in 0..<30 where !left.isEmpty {
            let next = left.removeFirst()
            bench.verified(next.chunk, from: .peer(next.peer))
            left += bench.take().requests
        }
        #expect(bench.policy.have.count == 90)
    }

    @Test func `on a large ring, too, who is behind asks two chunks of each`() {
        var bench = bench(members: 80)
        _ = bench.take()
        for source in bench.policy.wantedSources { bench.holds(source, 60..<90) }
        let asked = bench.take().requests
        #expect(asked.count { $0.peer == bench.policy.wantedSources[0] } == 2)
    }

    /// Chunks of 100 KB come every four milliseconds, as on a link of 200 Mbit/s, over a round trip of so many.
    private func credits(afterRoundTrips roundTrips: [UInt64?]) -> Int {
        var bench = PeerBench(chunks: 200, chunkByteCount: 102_400)
        for roundTrip in roundTrips {
            bench.policy.welcomed(as: 0, roundTripNanoseconds: roundTrip.map { $0 * millisecond })
        }
        bench.start()
        var credits = 0
        for chunk in 0..<60 as Range<ChunkID> {
            for case .credit(let count) in bench.take() { credits += count }
            bench.now += 4 * millisecond
            bench.verified(chunk, from: .grant)
        }
        return credits - 59
    }

    @Test func `credits cover several round trips, the shortest of those that were seen`() {
        #expect(credits(afterRoundTrips: [nil]) == SwarmLimits.creditWindow)
        #expect(credits(afterRoundTrips: [1]) == SwarmLimits.creditWindow)
        let far = credits(afterRoundTrips: [20])
        let most = Int(SwarmLimits.windowRoundTrips) * 20 / 4
        #expect(far >= most / 2 && far <= most)
        #expect(credits(afterRoundTrips: [20, 1, nil]) == SwarmLimits.creditWindow)
        #expect(credits(afterRoundTrips: [UInt64.max / millisecond]) <= 2 * 250)
    }

    @Test func `on the classic ring several requests wait at the one neighbour, however many members there are`() {
        var bench = PeerBench(chunks: 200, sources: Array(1...19), ringOnly: true)
        let neighbour = bench.policy.wantedSources[0]
        #expect(bench.policy.wantedSources == [neighbour])
        bench.holds(neighbour, 0..<200)
        #expect(bench.take().requests.count == SwarmLimits.requestWindowPerFewSources)
    }

    @Test func `a connection that the ring no longer gives is not kept as a source`() {
        var bench = PeerBench(chunks: 10, sources: Array(1...40))
        let stranger = (1...40).first { !bench.policy.wantedSources.contains($0) }!
        bench.policy.sourceConnected(stranger, at: bench.now, into: &bench.actions)
        #expect(bench.take() == [.disconnect(stranger)])
        #expect(!bench.policy.isSource(stranger))
    }

    @Test func `digests go twice as far as the chunks have come, within bounds`() throws {
        var bench = OwnerBench(chunks: 20_000, peers: 1)
        #expect(bench.policy.digestTarget == SwarmLimits.shortestDigestLead)
        try bench.policy.credit(0, count: 40)
        for _ in 0..<40 {
            for case .grant(let peer, let chunk) in bench.pump() { bench.deliver(chunk, to: peer) }
        }
        #expect(bench.policy.digestTarget > 80)
        #expect(bench.policy.digestTarget <= 40 + SwarmLimits.shortestDigestLead)
        bench.policy.holds(0, 9_000..<10_000)
        #expect(bench.policy.digestTarget == 10_000 + SwarmLimits.longestDigestLead)
        bench.policy.holds(0, 19_000..<20_000)
        #expect(bench.policy.digestTarget == 20_000)
    }

    /// Chunks may come hours apart: an owner that was gone, a machine that slept.
    @Test(arguments: [1, 200_000_000_000, UInt64.max - 1])
    func `no pause between two chunks is too long`(pause: UInt64) {
        var pace = Pace()
        pace.arrival(at: 1)
        pace.arrival(at: 1 + pause)
        #expect(pace.scale(overWindow: 2, chunkByteCount: 102_400) == (pause == 1 ? 40 : 1))
    }
}
