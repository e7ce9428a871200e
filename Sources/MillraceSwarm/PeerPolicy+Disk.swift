import MillraceWire

extension PeerPolicy {
    /// Chunks that seem to be on disk from an earlier run: not asked for while they are being verified.
    public mutating func expectFromDisk(_ chunks: ChunkSet) {
        chunks.forEachRun { run in
            for chunk in run where !have.contains(chunk) && pending.insert(chunk) { neighbours.wanted(chunk, false) }
        }
    }

    /// Chunks this peer holds already as it meets another run of its owner.
    public mutating func restore(_ chunks: ChunkSet) {
        have = chunks
        while lowestMissing < layout.chunkCount, have.contains(lowestMissing) { lowestMissing += 1 }
    }

    /// A chunk on disk was not what it should be.
    public mutating func missingOnDisk(_ chunk: ChunkID, at now: UInt64, into actions: inout [PeerAction]) {
        guard !have.contains(chunk) else { return }
        release(chunk)
        fill(at: now, into: &actions)
    }

    /// The neighbour has said that it holds the chunk.
    public func isKnown(_ chunk: ChunkID, at peer: PeerIndex) -> Bool {
        neighbours.index(of: peer).map { neighbours.holds($0, chunk) } ?? false
    }
}
