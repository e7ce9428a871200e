import MillraceSwarm
import MillraceWire
import Testing

@Suite("Whom a peer asks beside the sources that the ring gives")
struct PeerExtraTests {
    /// A member of a ring of 16 whose sources all list chunks at one pace and give them at a slower one.
    private struct Starving {
        var bench: PeerBench
        let sources: [PeerIndex]
        private var open: [(peer: PeerIndex, chunk: ChunkID)] = []
        private var listed: ChunkID = 0
        private(set) var notedCount = 0
        /// The one it connected to last, beside its own.
        private(set) var tried: PeerIndex?
        private(set) var left: [PeerIndex] = []

        init(ringOnly: Bool = false) {
            bench = PeerBench(chunks: 4000, sources: Array(1..<16), ringOnly: ringOnly)
            sources = bench.policy.wantedSources
        }

        mutating func run(steps: Int, chunksListed: ChunkID, triedAnswers: Bool = false) {
            for _ in 0..<steps {
                for chunk in listed..<listed + chunksListed { list(chunk) }
                listed += chunksListed
                for source in sources {
                    bench.now += 10 * millisecond
                    answer(source)
                }
                if triedAnswers, let tried { for _ in 0..<10 { answer(tried) } }
                look()
            }
        }

        /// The one it connects to is open at once and lists what the others do.
        private mutating func connect(to peer: PeerIndex) {
            tried = peer
            bench.policy.sourceConnected(peer, at: bench.now, into: &bench.actions)
            bench.holds(peer, 0..<listed)
        }

        /// Another source is the first to have each chunk.
        private mutating func list(_ chunk: ChunkID) {
            for index in sources.indices {
                bench.holds(sources[(Int(chunk) + index) % sources.count], chunk..<chunk + 1)
            }
        }

        private mutating func answer(_ source: PeerIndex) {
            look()
            bench.answer(from: source, of: &open)
        }

        private mutating func look() {
            for action in bench.take() {
                switch action {
                case .request(let peer, let chunk): open.append((peer, chunk))
                case .noteTrial: notedCount += 1
                case .connect(let peer): connect(to: peer)
                case .disconnect(let peer): left.append(peer)
                default: break
                }
            }
        }
    }

    @Test func `who gets half of what there is tries another, and keeps it if more comes`() throws {
        var peer = Starving()
        peer.run(steps: 40, chunksListed: 10, triedAnswers: true)
        let other = try #require(peer.tried)
        #expect(!peer.sources.contains(other))
        #expect(peer.bench.policy.wantedSources.contains(other))
        #expect(peer.left == [])
    }

    @Test func `one that gives nothing is left, and another tried later`() throws {
        var peer = Starving()
        peer.run(steps: 20, chunksListed: 10)
        let other = try #require(peer.tried)
        peer.run(steps: 60, chunksListed: 10)
        #expect(!peer.bench.policy.wantedSources.contains(other))
        #expect(peer.notedCount > 1)
    }

    @Test func `who gets all there is, or keeps to the classic ring, tries nobody`() {
        var peer = Starving()
        peer.run(steps: 100, chunksListed: 4)
        #expect(peer.notedCount == 0)
        var classic = Starving(ringOnly: true)
        classic.run(steps: 100, chunksListed: 10)
        #expect(classic.notedCount == 0)
    }
}
