import MillraceIO
import MillraceStore
import MillraceWire
import Testing

@testable import MillraceNode

/// A file of a hundred chunks, in two pages: what a peer makes of proofs, whoever sends them.
@Suite(.timeLimit(.minutes(5))) struct ProofTests {
    private let layout: ChunkLayout
    private let manifest: Manifest
    private let node: PeerNode
    private let owner: OwnerLinkHandler
    private let bench: Bench

    /// A peer that its owner has welcomed and sent the digests of both pages.
    init() throws {
        bench = try Bench(byteCount: 1)
        layout = try ChunkLayout(fileByteCount: 100 * 1024, chunkByteCount: 1024)
        var manifest = Manifest(layout: layout)
        var hasher = SHA256Hasher()
        let digests = (0..<100).map { seed in
            someBytes(1024, seed: UInt64(seed)).withUnsafeBytes { hasher.update($0) }
            return hasher.digest()
        }
        manifest.append(chunks: digests) { hasher.join($0, $1) }
        self.manifest = manifest
        node = try PeerNode(try bench.peerOptions("peer", of: 9))
        owner = OwnerLinkHandler(node: node, link: try Link(), neighbour: .none)
        try owner.received([
            Sample.hello(.owner), .welcome(WelcomeMessage(peer: 0, layout: layout, name: "file.bin")),
            .digests(first: 0, manifest.digests),
        ])
    }

    private func source() throws -> DownloadHandler {
        let handler = DownloadHandler(node: node, record: SourceRecord(peer: 1, link: try Link()))
        handler.began(now: 1)
        try handler.received([Sample.hello(.peer), .introduce(peer: 1)])
        return handler
    }

    private func code(_ handler: some ConnectionHandler, _ message: Message) -> GoodbyeCode? {
        #expect(throws: ConnectionEnd.self) { try handler.received([message]) }?.code
    }

    private func proof(_ chunk: ChunkID) throws -> [Digest] { try #require(manifest.proof(of: chunk)) }

    @Test func aChunkIsTakenOnlyBehindItsProof() throws {
        let header = FrameHeader(type: .grant, chunk: 70, payloadByteCount: 1024)
        let end = #expect(throws: ConnectionEnd.self) { _ = try owner.willReceive(header) }
        #expect(end?.code == .badChunk)
        try owner.received([.proof(70, try proof(70))])
        guard case .keep(let digest, _) = try owner.willReceive(header) else { throw TookTooLong() }
        #expect(digest == manifest.digest(of: 70))
        // It can be passed on.
        #expect(try node.state.withLock { $0.manifest?.proof(of: 70) } == proof(70))
    }

    @Test func aWrongProofIsAsBadAsAWrongChunk() throws {
        let wrong = try proof(5)
        let source = try source()
        #expect(code(source, .proof(4, wrong)) == .badChunk)
        #expect(node.report.badChunkSources == [1])
        #expect(code(owner, .proof(4, wrong)) == .badChunk)
        #expect(node.state.withLock { $0.manifest?.digest(of: 4) } == nil)
    }

    @Test func aProofThatCanNotBeOneIsABadField() throws {
        #expect(code(owner, .proof(99, try proof(5))) == .badField)
        #expect(code(owner, .proof(100, try proof(99))) == .badField)
        #expect(code(try source(), .proof(5, Array(try proof(5).dropLast()))) == .badField)
        #expect(node.report.badChunkSources.isEmpty)
    }
}
