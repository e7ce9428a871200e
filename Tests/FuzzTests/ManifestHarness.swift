import MillraceIO

@testable import MillraceNode
@testable import MillraceStore
@testable import MillraceWire

/// A file's size, its chunk size, and batches of digests that may or may not follow each other: a layout that is taken
/// covers the file without gaps, a manifest never has more digests than pages, its content ID is that of the bytes that
/// PROTOCOL.md names, and it takes the proofs that belong to it and no others.
enum ManifestHarness {
    static func run(_ bytes: [UInt8]) -> Bool {
        var feed = Feed(bytes)
        let isSmall = feed.byte() % 4 > 0
        let fileByteCount = isSmall ? UInt64(feed.wide() % 300_000) : feed.integer()
        let chunkByteCount = isSmall ? 1024 + feed.wide() % 4096 : UInt32(truncatingIfNeeded: feed.integer())
        guard let layout = try? ChunkLayout(fileByteCount: fileByteCount, chunkByteCount: chunkByteCount) else {
            return true
        }
        check(layout)
        if isSmall, layout.chunkCount > 0 { prove(layout, &feed) }
        var manifest = Manifest(layout: layout)
        var model: [Digest] = []
        while !feed.isEmpty {
            let first = feed.byte() % 4 > 0 ? manifest.coveredChunkCount : ChunkID(feed.byte())
            let more = (0..<feed.number(below: 8)).map { _ in digest(feed.byte()) }
            let isRight = first == manifest.coveredChunkCount && more.count <= Int(layout.pageCount) - model.count
            hold(((try? manifest.append(first: first, more)) != nil) == isRight)
            if isRight { model += more }
            hold(manifest.digests == model)
        }
        guard manifest.hasAllDigests else { return true }
        let contentID = ContentID.compute(manifest)
        manifest.close(contentID: contentID)
        hold((try? manifest.append(first: manifest.coveredChunkCount, [digest(0)])) == nil)
        hold(ContentID.compute(manifest) == contentID)
        return true
    }

    /// An owner's manifest, and a peer's that learns from its proofs, some of them with a bit turned.
    private static func prove(_ layout: ChunkLayout, _ feed: inout Feed) {
        var hasher = SHA256Hasher()
        var owner = Manifest(layout: layout)
        owner.append(chunks: (0..<layout.chunkCount).map { digest(UInt8(truncatingIfNeeded: $0 &* 7)) }) {
            hasher.join($0, $1)
        }
        hold(owner.hasAllDigests && owner.digests.count == Int(layout.pageCount))
        var peer = Manifest(layout: layout)
        hold((try? peer.extend(first: 0, owner.digests, after: 0)) == true)
        for _ in 0..<feed.number(below: 24) {
            let chunk = ChunkID(feed.number(below: Int(layout.chunkCount)))
            guard let proof = owner.proof(of: chunk) else { return hold(layout.pageHeight == 0) }
            let place = feed.number(below: 2 * proof.count)
            var sent = proof
            if place < proof.count { sent[place] = digest(feed.byte()) }
            let known = peer.digest(of: chunk)
            let isTaken = try? peer.learn(sent, of: chunk) { hasher.join($0, $1) }
            hold(isTaken != nil, "a proof of the right length is judged")
            if sent == proof { hold(isTaken == true) }
            if sent[0] != proof[0] { hold(isTaken == false && peer.digest(of: chunk) == known) }
            if isTaken == true { hold(peer.digest(of: chunk) == proof[0] && peer.proof(of: chunk) == proof) }
        }
    }

    private static func check(_ layout: ChunkLayout) {
        guard layout.chunkCount > 0 else { return hold(layout.fileByteCount == 0) }
        for chunk in [0, layout.chunkCount / 2, layout.chunkCount - 1] {
            let byteCount = layout.byteCount(of: chunk)
            hold(byteCount > 0 && byteCount <= layout.chunkByteCount)
            hold(layout.offset(of: chunk) + UInt64(byteCount) <= layout.fileByteCount)
        }
        let last = layout.chunkCount - 1
        hold(layout.offset(of: last) + UInt64(layout.byteCount(of: last)) == layout.fileByteCount)
    }

    private static func digest(_ byte: UInt8) -> Digest { digests[Int(byte)] }

    private static let digests = (UInt8.min...UInt8.max).map { Digest(Array(repeating: $0, count: 32).span.bytes)! }
}
