import MillraceWire

/// Who falls behind because of its sources tries others beside them.
extension PeerPolicy {
    /// What comes to the neighbour that gets most, in bytes a second; zero while nobody knows.
    public var fastestNeighbourBytesPerSecond: UInt64 { UInt64(extraSources.bestRate * Double(layout.chunkByteCount)) }

    /// A source has answered.
    mutating func reviewExtraSources(_ peer: PeerIndex, at now: UInt64, into actions: inout [PeerAction]) {
        guard !ringOnly else { return }
        if extraSources.answered(peer, heldCount: have.count, now: now) != nil { mustReviseSources = true }
        let before = extraSources.compare(
            frontier: frontier, isAllOut: frontier == layout.chunkCount, heldCount: have.count, &neighbours, now: now)
        guard let before, isBehind, let other = anyOther() else { return }
        extraSources.try(other, before: before, now: now)
        mustReviseSources = true
        actions.append(.noteTrial(other))
    }

    private mutating func anyOther() -> PeerIndex? {
        let others = ring.entries.map(\.peer).filter { $0 != selfIndex && !isSource($0) && mayBeSource($0) }
        guard !others.isEmpty else { return nil }
        return others[Int(generator.next() % UInt64(others.count))]
    }
}
