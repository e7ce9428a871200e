import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// What a peer is sent of the manifest, and when.
@Suite(.timeLimit(.minutes(5))) struct DigestFeedTests {
    private let bench: Bench
    private let node: OwnerNode
    private let link: Link

    init() throws {
        bench = try Bench(byteCount: 2500)
        node = try OwnerNode(try bench.ownerOptions { $0.chunkByteCount = 1024 })
        link = try Link()
        var manifest = Manifest(layout: node.layout)
        try manifest.append(first: 0, Array(repeating: Sample.digest, count: 3))
        manifest.close(contentID: ContentID.compute(manifest))
        let closed = manifest
        node.state.withLock { $0.manifest = closed }
    }

    private func posted(
        _ feed: inout DigestFeed, for taker: DigestFeed.Taker = .verifies
    ) throws -> [MessageType] {
        _ = feed.post(to: link, for: taker, .unknown, now: 1)
        let control = link.take().control
        var types: [MessageType] = []
        var start = 0
        while start < control.count {
            let end = start + WireLimits.frameHeaderByteCount
            let bytes = control.span.bytes.extracting(start..<end)
            guard case .known(let header) = try FrameHeader.parse(bytes) else { break }
            types.append(header.type)
            start = end + header.payloadByteCount
        }
        return types
    }

    /// The splitter publishes the last digests and closes the manifest while a connection looks: what it counted before
    /// is not all there is.
    @Test func `the end comes after the last digest, whenever the manifest was closed`() throws {
        var feed = DigestFeed(node)
        node.coveredChunkCount.store(node.layout.chunkCount - 1, ordering: .releasing)
        node.isManifestClosed.store(true, ordering: .releasing)
        #expect(try posted(&feed) == [.digests])
        node.coveredChunkCount.store(node.layout.chunkCount, ordering: .releasing)
        #expect(try posted(&feed) == [.digests, .manifestEnd])
        #expect(try posted(&feed) == [])
    }

    @Test func `proofs come once they are asked for, as their pages come to be known`() throws {
        let layout = try ChunkLayout(fileByteCount: 100 * 1024, chunkByteCount: 1024)
        let bench = try Bench(byteCount: 100 * 1024)
        let node = try OwnerNode(try bench.ownerOptions { $0.chunkByteCount = 1024 })
        node.state.withLock { state in
            state.manifest.append(chunks: Array(repeating: Sample.digest, count: 100)) { first, _ in first }
        }
        var feed = DigestFeed(node)
        node.coveredChunkCount.store(64, ordering: .releasing)
        #expect(try posted(&feed) == [.digests])
        var wanted = ChunkSet(chunkCount: layout.chunkCount)
        wanted.insert(62..<66)
        #expect(feed.prove(wanted) && !feed.prove(wanted))
        #expect(try posted(&feed) == [.proof, .proof])
        #expect(try posted(&feed) == [])
        node.coveredChunkCount.store(100, ordering: .releasing)
        #expect(try posted(&feed, for: .unknown) == [.digests, .proof, .proof])
        #expect(try posted(&feed) == [])
    }

    @Test func `no end before the manifest is closed`() throws {
        var feed = DigestFeed(node)
        node.coveredChunkCount.store(node.layout.chunkCount, ordering: .releasing)
        #expect(try posted(&feed) == [.digests])
        node.isManifestClosed.store(true, ordering: .releasing)
        #expect(try posted(&feed) == [.manifestEnd])
    }
}
