/// How a file of a given size falls into chunks: all of one size but the last, which may be shorter.
/// A file of 0 bytes has no chunks.
public struct ChunkLayout: Sendable, Hashable {
    public let fileByteCount: UInt64
    public let chunkByteCount: UInt32
    public let chunkCount: UInt32

    public enum LayoutError: Error, Equatable, Sendable {
        case chunkSizeOutOfRange(UInt32)
        /// The file needs more chunks than the protocol can count; a larger chunk size helps.
        case tooManyChunks(UInt64)
    }

    public init(fileByteCount: UInt64, chunkByteCount: UInt32) throws(LayoutError) {
        guard (WireLimits.smallestChunkByteCount...WireLimits.largestChunkByteCount).contains(chunkByteCount) else {
            throw .chunkSizeOutOfRange(chunkByteCount)
        }
        let (whole, rest) = fileByteCount.quotientAndRemainder(dividingBy: UInt64(chunkByteCount))
        let count = whole + (rest == 0 ? 0 : 1)
        guard count <= UInt64(WireLimits.largestChunkCount) else { throw .tooManyChunks(count) }
        self.fileByteCount = fileByteCount
        self.chunkByteCount = chunkByteCount
        self.chunkCount = UInt32(count)
    }

    public func contains(_ chunk: ChunkID) -> Bool { chunk < chunkCount }

    /// Where the chunk begins in the file, in bytes.
    public func offset(of chunk: ChunkID) -> UInt64 {
        UInt64(chunk) * UInt64(chunkByteCount)
    }

    /// The chunk's length in bytes. The chunk must exist.
    public func byteCount(of chunk: ChunkID) -> UInt32 {
        precondition(contains(chunk), "chunk \(chunk) of \(chunkCount)")
        return UInt32(min(UInt64(chunkByteCount), fileByteCount - offset(of: chunk)))
    }
}
