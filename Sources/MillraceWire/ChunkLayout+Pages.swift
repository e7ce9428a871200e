/// How chunks fall into pages, whose digests an owner sends in place of those of chunks (PROTOCOL.md, M-11 to M-13).
extension ChunkLayout {
    /// Levels between the digest of a chunk and that of its page; 0 where each chunk is a page.
    public var pageHeight: Int {
        guard chunkCount >= WireLimits.fewestPagedChunks else { return 0 }
        let fitting = max(1, WireLimits.largestPageByteCount / chunkByteCount)
        let height = UInt32.bitWidth - 1 - fitting.leadingZeroBitCount
        return min(WireLimits.largestPageHeight, height)
    }

    /// Chunks in every page but the last, which may have fewer.
    public var pageChunkCount: UInt32 { 1 << UInt32(pageHeight) }

    public var pageCount: UInt32 { pageCount(below: chunkCount) }

    /// Pages with chunks below this number.
    public func pageCount(below chunk: UInt32) -> UInt32 { chunk == 0 ? 0 : page(of: chunk - 1) + 1 }

    public func page(of chunk: ChunkID) -> UInt32 { chunk >> UInt32(pageHeight) }

    /// The chunks of a page, which must exist.
    public func chunks(ofPage page: UInt32) -> Range<ChunkID> {
        precondition(page < pageCount, "page \(page) of \(pageCount)")
        let first = page << UInt32(pageHeight)
        return first..<min(chunkCount, first + pageChunkCount)
    }

    /// Chunks in the first so many pages.
    public func chunkCount(inPages pages: UInt32) -> UInt32 {
        pages >= pageCount ? chunkCount : pages << UInt32(pageHeight)
    }

    /// Digests in the proof of a chunk, which must exist: its own, and a sibling on each level but those where it is
    /// left over.
    public func proofDigestCount(of chunk: ChunkID) -> Int {
        let chunks = chunks(ofPage: page(of: chunk))
        var climb = PageClimb(from: Int(chunk - chunks.lowerBound), leafCount: chunks.count)
        var count = 1
        while !climb.isAtRoot {
            if climb.sibling != nil { count += 1 }
            climb.ascend()
        }
        return count
    }
}

/// The way from the digest of a chunk up to that of its page. Levels lie one behind the other, the lowest first.
struct PageClimb {
    private var position: Int
    private var width: Int
    private var start = 0

    init(from leaf: Int, leafCount: Int) {
        precondition((0..<leafCount).contains(leaf), "leaf \(leaf) of \(leafCount)")
        position = leaf
        width = leafCount
    }

    var isAtRoot: Bool { width == 1 }
    /// Where this node lies among all nodes of the page.
    var node: Int { start + position }
    /// The one it is joined with; nil where it goes up as it is.
    var sibling: Int? { position ^ 1 < width ? start + (position ^ 1) : nil }
    var isFirst: Bool { position & 1 == 0 }

    mutating func ascend() {
        start += width
        position >>= 1
        width = (width + 1) >> 1
    }
}
