@testable import MillraceNode
@testable import MillraceWire

/// A file's size, its chunk size, and batches of digests that may or may not follow each other: a layout that is taken
/// covers the file without gaps, a manifest never has more digests than chunks, and its content ID is the digest of
/// the bytes that PROTOCOL.md names.
enum ManifestHarness {
    static func run(_ bytes: [UInt8]) -> Bool {
        var feed = Feed(bytes)
        let isSmall = feed.byte() % 4 > 0
        let fileByteCount = isSmall ? UInt64(feed.wide()) : feed.integer()
        let chunkByteCount = isSmall ? 1024 + feed.wide() % 4096 : UInt32(truncatingIfNeeded: feed.integer())
        guard let layout = try? ChunkLayout(fileByteCount: fileByteCount, chunkByteCount: chunkByteCount) else {
            return true
        }
        check(layout)
        var manifest = Manifest(layout: layout)
        var model: [Digest] = []
        while !feed.isEmpty {
            let first = feed.byte() % 4 > 0 ? manifest.digestCount : ChunkID(feed.byte())
            let more = (0..<feed.number(below: 8)).map { _ in digest(feed.byte()) }
            let isRight = first == manifest.digestCount && more.count <= Int(layout.chunkCount) - model.count
            hold(((try? manifest.append(first: first, more)) != nil) == isRight)
            if isRight { model += more }
            hold(manifest.digests == model)
        }
        guard manifest.hasAllDigests else { return true }
        let contentID = ContentID.compute(manifest)
        manifest.close(contentID: contentID)
        hold((try? manifest.append(first: manifest.digestCount, [digest(0)])) == nil)
        hold(ContentID.compute(manifest) == contentID)
        return true
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
