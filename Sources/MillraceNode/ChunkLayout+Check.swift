import MillraceWire

extension ChunkLayout {
    /// Ends the connection of whoever names a chunk that the file does not have (PROTOCOL.md, C-7).
    func check(_ chunk: ChunkID) throws(ConnectionEnd) {
        guard contains(chunk) else { throw .peerFault(.chunkOutOfRange(chunk, chunkCount: chunkCount)) }
    }
}
