import MillraceSwarm
import MillraceWire
import Testing

@Suite("What a peer does about sources that give little")
struct PeerWeakTests {
    /// A member of a ring whose sources all have all chunks. The first answers in each so-and-so-many-th step, the
    /// others in each.
    private struct Transfer {
        var bench: PeerBench
        let sources: [PeerIndex]
        private var open: [(peer: PeerIndex, chunk: ChunkID)] = []
        private(set) var noted: [PeerAction] = []

        init(memberCount: Int, ringOnly: Bool = false, held: ChunkID = 4000) {
            bench = PeerBench(chunks: 4000, sources: Array(1..<PeerIndex(memberCount)), ringOnly: ringOnly)
            sources = bench.policy.wantedSources
            for source in sources { bench.holds(source, 0..<(source == sources[0] ? held : 4000)) }
        }

        mutating func run(steps: Int, firstGivesEvery times: Int) {
            for step in 0..<steps {
                bench.now += 20 * millisecond
                for source in sources where source != sources[0] || step % times == 0 { answer(source) }
            }
        }

        private mutating func answer(_ source: PeerIndex) {
            let actions = bench.take()
            open += actions.requests
            noted += actions.filter { action in
                if case .request = action { false } else { true }
            }
            bench.answer(from: source, of: &open)
        }
    }

    @Test func `another is asked beside one that gives a quarter of what the others do`() throws {
        var transfer = Transfer(memberCount: 16)
        transfer.run(steps: 60, firstGivesEvery: 4)
        let wanted = transfer.bench.policy.wantedSources
        #expect(wanted.prefix(5) == transfer.sources[...])
        try #require(wanted.count == 6)
        #expect(transfer.noted == [.noteWeakness(transfer.sources[0]), .connect(wanted[5])])
        #expect(transfer.bench.policy.ring.sources(of: transfer.sources[0]).contains(wanted[5]))
    }

    @Test func `one that gives half of what the others do is no weak one`() {
        var transfer = Transfer(memberCount: 16)
        transfer.run(steps: 150, firstGivesEvery: 2)
        #expect(transfer.bench.policy.wantedSources == transfer.sources)
        #expect(transfer.noted == [])
    }

    @Test(arguments: [(1, false), (4, true)])
    func `the one beside it is left once it gives more than half`(every: Int, isLeft: Bool) throws {
        var transfer = Transfer(memberCount: 16)
        transfer.run(steps: 60, firstGivesEvery: 4)
        try #require(transfer.bench.policy.wantedSources.count == 6)
        transfer.run(steps: 100, firstGivesEvery: every)
        #expect((transfer.bench.policy.wantedSources.count == 6) == isLeft)
    }

    @Test func `one that has nothing more to give is not compared`() {
        var transfer = Transfer(memberCount: 16, held: 4)
        transfer.run(steps: 150, firstGivesEvery: 1)
        #expect(transfer.bench.policy.wantedSources == transfer.sources)
    }

    @Test(arguments: [(9, false), (70, false), (16, true)])
    func `on a small or a large ring, and on the classic one, nobody else is asked`(members: Int, ringOnly: Bool) {
        var transfer = Transfer(memberCount: members, ringOnly: ringOnly)
        transfer.run(steps: 150, firstGivesEvery: 5)
        #expect(transfer.bench.policy.wantedSources == transfer.sources)
    }
}
