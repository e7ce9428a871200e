import MillraceWire

extension PeerPolicy {
    /// Whether this peer has asked for the chunk there and has had no answer: the other side breaks the protocol by
    /// sending it (or a reject) otherwise (PROTOCOL.md, O-6, O-9, P-6).
    public func isDue(_ chunk: ChunkID, from origin: ChunkOrigin) -> Bool {
        switch origin {
        case .grant: return creditsOutstanding > 0
        case .rescue: return rescued.contains(chunk)
        case .peer(let peer):
            // What was asked of a source that is none any more is still on its way.
            guard let index = neighbours.index(of: peer), neighbours[index].isSource else { return true }
            return neighbours[index].isAsked(chunk)
        case .disk: return true
        }
    }
}
