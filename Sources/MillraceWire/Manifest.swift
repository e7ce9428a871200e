/// What a file is: its layout and the digest of every chunk. Grows from chunk 0 as the owner hashes.
///
/// The content ID is the SHA-256 of the manifest's canonical bytes: `canonicalPrefix` followed by all digests in
/// chunk order. The file's name is not part of it, so that a renamed copy is still the same content.
public struct Manifest: Sendable, Equatable {
    public let layout: ChunkLayout
    public private(set) var digests: [Digest] = []
    /// Set when the owner has closed the manifest.
    public private(set) var contentID: Digest?

    public init(layout: ChunkLayout) {
        self.layout = layout
    }

    /// Chunks whose digest is known: all below this number.
    public var digestCount: UInt32 { UInt32(digests.count) }
    public var hasAllDigests: Bool { digestCount == layout.chunkCount }

    public func digest(of chunk: ChunkID) -> Digest? {
        chunk < digestCount ? digests[Int(chunk)] : nil
    }

    /// Adds digests that follow those already there.
    public mutating func append(first: ChunkID, _ more: [Digest]) throws(WireError) {
        guard contentID == nil else { throw .unexpectedMessage(.digests) }
        guard first == digestCount else { throw .badField(.digests, field: "first chunk") }
        guard more.count <= Int(layout.chunkCount - digestCount) else {
            throw .chunkOutOfRange(layout.chunkCount, chunkCount: layout.chunkCount)
        }
        digests.append(contentsOf: more)
    }

    /// Closes the manifest. The caller has computed the ID from the canonical bytes and compared it.
    public mutating func close(contentID: Digest) {
        precondition(hasAllDigests, "closed with \(digestCount) of \(layout.chunkCount) digests")
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
}
