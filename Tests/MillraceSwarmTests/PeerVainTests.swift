import MillraceSwarm
import MillraceWire
import Testing

@Suite("Chunks that are listed and not sent")
struct PeerVainTests {
    /// Whom the peer asks for chunk 4 until it asks the owner. They cancel what they are told to, and that is all.
    private func askInVain(_ bench: inout PeerBench) throws -> (asked: [PeerIndex], rescues: [PeerAction]) {
        var asked: [PeerIndex] = []
        var rescues: [PeerAction] = []
        while rescues.isEmpty, asked.count < 10 {
            for action in bench.take() {
                switch action {
                case .request(let peer, 4): asked.append(peer)
                case .cancel(let peer, 4):
                    bench.policy.rejected(4, by: peer, reason: .cancelled, at: bench.now, into: &bench.actions)
                default: rescues.append(action)
                }
            }
            bench.now = try #require(bench.policy.nextDeadline)
            bench.tick()
        }
        return (asked, rescues)
    }

    @Test func `after three requests in vain the owner is asked, whoever else lists the chunk`() throws {
        var bench = PeerBench(chunks: 10, sources: [1, 2])
        for source in 1...2 as ClosedRange<PeerIndex> { bench.holds(source, 4..<5) }
        let vain = try askInVain(&bench)
        #expect(vain.asked == [1, 2, 1])
        #expect(vain.rescues == [.rescue(4, from: 1)])
    }

    @Test func `where all that comes comes from the owner, what was asked of others is nothing to wait for`() {
        var bench = PeerBench(chunks: 100, sources: [1])
        bench.start()
        bench.holds(1, 0..<100)
        let asked = bench.take().requests.map(\.chunk)
        #expect(!asked.isEmpty)
        let others = (0..<100 as Range<ChunkID>).filter { !asked.contains($0) }
        for chunk in others.prefix(SwarmLimits.rescueStreakLimit) {
            #expect(!bench.take().contains { if case .rescue = $0 { true } else { false } })
            bench.now += 10 * millisecond
            bench.verified(chunk, from: .rescue)
        }
        let missing = (0..<100 as Range<ChunkID>).first { !bench.policy.have.contains($0) }
        #expect(bench.take().contains(.rescue(missing ?? 0, from: nil)))
        #expect(bench.policy.ownerAnnounceNanoseconds == 0)
        bench.verified(asked[0], from: .peer(1))
        #expect(bench.policy.ownerAnnounceNanoseconds > 0)
    }

    @Test func `who was named by the owner is not followed by those who were asked in vain before`() throws {
        var bench = PeerBench(chunks: 10, sources: [1, 2, 3])
        for source in 1...2 as ClosedRange<PeerIndex> { bench.holds(source, 4..<5) }
        _ = try askInVain(&bench)
        _ = bench.take()
        bench.policy.sentElsewhere(4, to: 3, at: bench.now, into: &bench.actions)
        bench.holds(3, 4..<5)
        let vain = try askInVain(&bench)
        #expect(vain.asked == [3])
        #expect(vain.rescues.first == .rescue(4, from: 3))
    }

    /// The only source of chunk 0 is late with it, and the owner has been asked.
    private func bench() throws -> PeerBench {
        var bench = PeerBench(chunks: 1, sources: [1])
        bench.holds(1, 0..<1)
        _ = bench.take()
        bench.now = try #require(bench.policy.nextDeadline)
        bench.tick()
        #expect(bench.take() == [.rescue(0, from: 1)])
        return bench
    }

    @Test func `to be sent where it has asked in vain already is answered at once`() throws {
        var bench = try bench()
        bench.policy.sentElsewhere(0, to: 1, at: bench.now, into: &bench.actions)
        #expect(bench.take() == [.rescue(0, from: 1)])
    }

    @Test func `the next time the owner is told of whom it named last`() throws {
        var bench = try bench()
        bench.policy.sentElsewhere(0, to: 7, at: bench.now, into: &bench.actions)
        bench.policy.sourceConnected(7, at: bench.now, into: &bench.actions)
        #expect(bench.take() == [.connect(7)])
        var rescues: [PeerAction] = []
        while rescues.isEmpty {
            bench.now = try #require(bench.policy.nextDeadline)
            bench.tick()
            rescues = bench.take()
        }
        #expect(rescues.first == .rescue(0, from: 7))
    }
}
