import MillraceWire

extension ChunkLayout {
    /// Ends the connection of whoever names a chunk that the file does not have (PROTOCOL.md, C-7).
    func check(_ chunk: ChunkID) throws(ConnectionEnd) {
        guard contains(chunk) else { throw .peerFault(.chunkOutOfRange(chunk, chunkCount: chunkCount)) }
    }

    /// The same for a request of so many chunks from `first` on; returns them.
    func check(_ first: ChunkID, count: UInt32) throws(ConnectionEnd) -> Range<ChunkID> {
        guard contains(first), count <= chunkCount - first else {
            throw .peerFault(.chunkOutOfRange(first, chunkCount: chunkCount))
        }
        return first..<(first + count)
    }
}
