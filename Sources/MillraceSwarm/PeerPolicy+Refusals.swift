import MillraceWire

/// Sources that do not send what they were asked for.
extension PeerPolicy {
    /// A source answered that it does not send the chunk.
    public mutating func rejected(
        _ chunk: ChunkID, by peer: PeerIndex, reason: RejectReason, at now: UInt64, into actions: inout [PeerAction]
    ) {
        guard let index = neighbours.index(of: peer), let request = takeRequest(chunk, from: index) else { return }
        heard(index, at: now)
        // Whatever the reason, what it refuses it is not asked for at once again: it would be at once refused again.
        if !request.isSuperseded || reason == .notHeld || reason == .unreadable {
            neighbours.loses(index, chunk, isWanted: isWanted(chunk))
        }
        if !request.isSuperseded {
            release(chunk)
            neighbours[index].refusalCount += 1
            if refused.count == SwarmLimits.rememberedRefusalCount { refused.removeFirst() }
            refused.append((chunk, peer))
            if neighbours[index].refusalCount >= SwarmLimits.refusalLimit {
                refusing.append(peer)
                return leave(peer, at: now, into: &actions)
            }
        }
        if neighbours[index].isIdleRetired { hasIdleRetired = true }
        fill(at: now, into: &actions)
    }

    /// It has said no, and has not listed the chunk anew.
    func isRefused(_ chunk: ChunkID, by peer: PeerIndex) -> Bool {
        if refusing.contains(peer) { return true }
        guard refused.contains(where: { $0 == (chunk, peer) }) else { return false }
        return neighbours.index(of: peer).map { !neighbours.holds($0, chunk) } ?? true
    }
}
