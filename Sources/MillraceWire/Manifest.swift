/// What a file is: its layout and the digest of every page. Grows from page 0 as the owner hashes.
///
/// A peer gets the digests of pages from the owner, and with each chunk the proof that it belongs to its page; it keeps
/// what a proof says, because it must pass it on.
///
/// The content ID is the SHA-256 of the manifest's canonical bytes: `canonicalPrefix` followed by the digests of all
/// pages in their order. The file's name is not part of it, so that a renamed copy is still the same content.
public struct Manifest: Sendable, Equatable {
    public let layout: ChunkLayout
    /// Those of pages, in their order.
    public private(set) var digests: [Digest] = []
    /// Set when the owner has closed the manifest.
    public private(set) var contentID: Digest?
    /// What is known below the digests of pages, where a page has more than one chunk; nil for nothing.
    private var pages: [DigestPage?] = []
    /// Digests of the first chunks of a page whose others are not hashed yet.
    private var growing: [Digest] = []

    public init(layout: ChunkLayout) {
        self.layout = layout
    }

    /// Chunks that can be told from others, because the digest of their page is known: all below this number.
    public var coveredChunkCount: UInt32 { layout.chunkCount(inPages: UInt32(digests.count)) }
    public var hasAllDigests: Bool { digests.count == Int(layout.pageCount) }

    /// The digest of a chunk, if it is known: from its proof where pages have more than one.
    public func digest(of chunk: ChunkID) -> Digest? {
        guard chunk < coveredChunkCount else { return nil }
        guard layout.pageHeight > 0 else { return digests[Int(chunk)] }
        return pages[Int(layout.page(of: chunk))]?.leaf(place(of: chunk))
    }

    /// The proof of a chunk, to go before it; nil where it is not known, or pages have one chunk and there is nothing
    /// to prove.
    public func proof(of chunk: ChunkID) -> [Digest]? {
        guard layout.pageHeight > 0, chunk < coveredChunkCount else { return nil }
        return pages[Int(layout.page(of: chunk))]?.proof(of: place(of: chunk))
    }

    /// Adds digests of pages that follow those already there. `first` is the first chunk of the first of them.
    public mutating func append(first: ChunkID, _ more: [Digest]) throws(WireError) {
        guard contentID == nil else { throw .unexpectedMessage(.digests) }
        guard first == coveredChunkCount else { throw .badField(.digests, field: "first chunk") }
        guard more.count <= Int(layout.pageCount) - digests.count else {
            throw .chunkOutOfRange(layout.chunkCount, chunkCount: layout.chunkCount)
        }
        digests.append(contentsOf: more)
        if layout.pageHeight > 0 { pages.append(contentsOf: repeatElement(nil, count: more.count)) }
    }

    /// Adds digests that come on a connection on which so many came before: what is known from an earlier one must come
    /// again the same. Returns false where it does not, and then changes nothing.
    public mutating func extend(first: ChunkID, _ more: [Digest], after count: Int) throws(WireError) -> Bool {
        guard first == layout.chunkCount(inPages: UInt32(count)) else {
            throw .badField(.digests, field: "first chunk")
        }
        let repeated = min(more.count, digests.count - count)
        guard digests[count...].starts(with: more.prefix(repeated)) else { return false }
        if repeated < more.count { try append(first: coveredChunkCount, Array(more.dropFirst(repeated))) }
        return true
    }

    /// Adds digests of chunks, for who hashes the file: they follow those added before. A page counts once all its
    /// chunks are there.
    public mutating func append(chunks more: [Digest], join: DigestJoin) {
        precondition(contentID == nil, "the manifest is closed")
        for digest in more {
            precondition(!hasAllDigests, "more digests than chunks")
            growing.append(digest)
            guard growing.count == layout.chunks(ofPage: UInt32(digests.count)).count else { continue }
            let page = DigestPage(leaves: growing, join: join)
            guard let root = page.root else { preconditionFailure("a whole page has a root") }
            digests.append(root)
            if layout.pageHeight > 0 { pages.append(page) }
            growing.removeAll(keepingCapacity: true)
        }
    }

    /// Takes the proof of a chunk. Returns false where it does not lead to the digest of the page.
    public mutating func learn(_ proof: [Digest], of chunk: ChunkID, join: DigestJoin) throws(WireError) -> Bool {
        guard layout.contains(chunk) else { throw .chunkOutOfRange(chunk, chunkCount: layout.chunkCount) }
        guard chunk < coveredChunkCount, proof.count == layout.proofDigestCount(of: chunk) else {
            throw .badField(.proof, field: "digests")
        }
        let page = Int(layout.page(of: chunk))
        guard layout.pageHeight > 0 else { return proof == [digests[page]] }
        let leafCount = layout.chunks(ofPage: UInt32(page)).count
        var known = pages[page].take() ?? DigestPage(leafCount: leafCount)
        let isRight = known.learn(proof, of: place(of: chunk), root: digests[page], join: join)
        pages[page] = known
        return isRight
    }

    /// Closes the manifest. The caller has computed the ID from the canonical bytes and compared it.
    public mutating func close(contentID: Digest) {
        precondition(hasAllDigests, "closed with \(digests.count) of \(layout.pageCount) digests")
        self.contentID = contentID
    }

    /// The 32 bytes in front of the digests: magic and format, file count 1, chunk size, chunk count, file size.
    public static func canonicalPrefix(_ layout: ChunkLayout) -> [UInt8] {
        var bytes = Array("MILLRACE-M".utf8)
        bytes.appendInteger(UInt16(1))
        bytes.appendInteger(UInt32(1))
        bytes.appendInteger(layout.chunkByteCount)
        bytes.appendInteger(layout.chunkCount)
        bytes.appendInteger(layout.fileByteCount)
        return bytes
    }

    private func place(of chunk: ChunkID) -> Int { Int(chunk & (layout.pageChunkCount - 1)) }
}
