import MillraceSwarm
import MillraceWire
import Testing

@Suite("What a peer does about sources that fall silent")
struct PeerSilenceTests {
    /// One of 20 members, whose nearest source has been asked for a chunk and says nothing until the request is late.
    private func bench() throws -> (bench: PeerBench, sources: [PeerIndex]) {
        var bench = PeerBench(chunks: 100, sources: Array(1..<20))
        let sources = bench.policy.wantedSources
        bench.holds(sources[0], 0..<1)
        #expect(bench.take() == [.request(sources[0], 0)])
        bench.now = try #require(bench.policy.nextDeadline)
        return (bench, sources)
    }

    @Test func `another source is asked beside it`() throws {
        var (bench, sources) = try bench()
        bench.tick()
        let wanted = bench.policy.wantedSources
        #expect(wanted.prefix(sources.count) == sources[...])
        #expect(wanted.count == sources.count + 1)
        #expect(bench.take() == [.noteSilence(sources[0]), .connect(wanted[sources.count])])
        bench.policy.sourceConnected(wanted[sources.count], at: bench.now, into: &bench.actions)
        #expect(bench.policy.isSource(wanted[sources.count]))
    }

    @Test func `one that is late and still tells of chunks is no silent one`() throws {
        var (bench, sources) = try bench()
        bench.holds(sources[0], 1..<2)
        bench.tick()
        #expect(bench.policy.wantedSources == sources)
    }

    @Test(arguments: [true, false])
    func `the one in its place is left once it speaks again`(answers: Bool) throws {
        var (bench, sources) = try bench()
        bench.tick()
        let standIn = try #require(bench.policy.wantedSources.last)
        bench.policy.sourceConnected(standIn, at: bench.now, into: &bench.actions)
        _ = bench.take()
        bench.now += millisecond
        if answers {
            bench.verified(0, from: .peer(sources[0]))
        } else {
            bench.holds(sources[0], 1..<2)
        }
        #expect(bench.policy.wantedSources == sources)
        #expect(bench.take().contains(.disconnect(standIn)))
        #expect(!bench.policy.isSource(standIn))
    }

    @Test func `one that is gone needs no other in its place but what the ring gives`() throws {
        var (bench, sources) = try bench()
        bench.tick()
        bench.policy.sourceLost(sources[0], at: bench.now, into: &bench.actions)
        #expect(bench.policy.wantedSources == sources)
    }

    @Test(arguments: [(3, false), (20, true)])
    func `there is nobody to ask on a small ring, where all others are sources, and on the classic one`(
        others: Int, ringOnly: Bool
    ) throws {
        var bench = PeerBench(chunks: 100, sources: Array(1...PeerIndex(others)), ringOnly: ringOnly)
        let sources = bench.policy.wantedSources
        bench.holds(sources[0], 0..<1)
        bench.now = try #require(bench.policy.nextDeadline)
        _ = bench.take()
        bench.tick()
        #expect(bench.policy.wantedSources == sources)
        #expect(bench.take() == [])
    }
}
