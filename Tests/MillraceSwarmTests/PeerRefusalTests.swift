import MillraceSwarm
import MillraceWire
import Testing

/// What a peer does about sources that refuse what they list.
@Suite struct PeerRefusalTests {
    private func reject(_ bench: inout PeerBench, _ chunk: ChunkID, by peer: PeerIndex) {
        bench.policy.rejected(chunk, by: peer, reason: .overloaded, at: bench.now, into: &bench.actions)
    }

    @Test func whatOneRefusesAnotherIsAskedFor() throws {
        var bench = PeerBench(chunks: 1, sources: [1, 2])
        for source in PeerIndex(1)...2 { bench.holds(source, 0..<1) }
        let first = try #require(bench.take().requests.first?.peer)
        reject(&bench, 0, by: first)
        #expect(bench.take() == [.request(3 - first, 0)])
    }

    @Test func whatTheOnlyHolderRefusesIsAskedOfTheOwner() throws {
        var bench = PeerBench(chunks: 1, sources: [1])
        bench.start()
        bench.holds(1, 0..<1)
        _ = bench.take()
        reject(&bench, 0, by: 1)
        #expect(bench.take() == [])
        bench.now = try #require(bench.policy.nextDeadline)
        bench.tick()
        #expect(bench.take() == [.rescue(0, from: nil)])
        // The owner takes its word: it is told what that is worth.
        bench.policy.sentElsewhere(0, to: 1, at: bench.now, into: &bench.actions)
        #expect(bench.take() == [.rescue(0, from: 1)])
        // Once it lists the chunk anew it is asked again.
        bench.holds(1, 0..<1)
        #expect(bench.take() == [.request(1, 0)])
    }

    @Test func whoListsAnewWhatItRefusesIsLeftInTheEnd() {
        var bench = PeerBench(chunks: 1, sources: [1])
        var requestCount = 0
        while requestCount < 1000 {
            bench.holds(1, 0..<1)
            let actions = bench.take()
            requestCount += actions.requests.count
            guard actions.requests.count == 1 else { break }
            reject(&bench, 0, by: 1)
        }
        #expect(requestCount == SwarmLimits.refusalLimit)
        #expect(!bench.policy.isSource(1) && !bench.policy.wantedSources.contains(1))
        bench.policy.sentElsewhere(0, to: 1, at: bench.now, into: &bench.actions)
        #expect(bench.take() == [.rescue(0, from: 1)])
    }

    @Test func anAnswerMakesUpForWhatWasRefused() {
        var bench = PeerBench(chunks: 100, sources: [1])
        for chunk in ChunkID(0)..<99 {
            bench.holds(1, chunk..<(chunk + 1))
            if chunk % 4 == 3 { bench.verified(chunk, from: .peer(1)) } else { reject(&bench, chunk, by: 1) }
        }
        #expect(bench.policy.isSource(1))
    }
}
