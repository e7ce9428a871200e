import MillraceWire

extension OwnerPolicy {
    /// A peer can't get a chunk from the source it asked. Sends it elsewhere if anybody else has it; sends the chunk
    /// itself only when that is the last resort.
    ///
    /// - Parameter hedgeNanoseconds: how long a request may take before it counts as late.
    public mutating func rescue(
        _ peer: PeerIndex, _ chunk: ChunkID, from failed: PeerIndex?, at now: UInt64,
        hedgeNanoseconds: UInt64 = SwarmLimits.shortestHedgeNanoseconds, into actions: inout [OwnerAction]
    ) {
        guard isMember(peer), layout.contains(chunk), !members[Int(peer)]!.have.contains(chunk) else { return }
        guard !isBeingRescued(chunk, at: peer, now) else { return }
        if let other = holder(of: chunk, besides: peer, and: failed) {
            actions.append(.ask(peer, chunk, from: other))
            return
        }
        if let last = rescues[chunk], last.peer != peer, last.peer != failed, isMember(last.peer),
            members[Int(last.peer)]!.isTrusted,
            now < last.at + SwarmLimits.rescueHedgePeriods * hedgeNanoseconds
        {
            actions.append(.ask(peer, chunk, from: last.peer))
            return
        }
        if let grant = grantsInFlight.first(where: { $0.chunk == chunk }), grant.peer != failed {
            if grant.peer != peer { actions.append(.ask(peer, chunk, from: grant.peer)) }
            return
        }
        let first = grantee[Int(chunk)]
        if first != OwnerPolicy.nobody, first != peer { members[Int(first)]?.strikes += 1 }
        if unsent.remove(chunk) {
            grantee[Int(chunk)] = peer
            relayed.remove(chunk)
            members[Int(peer)]!.unreplicated += 1
        }
        rescues[chunk] = (peer, now)
        members[Int(peer)]!.rescues.append((chunk, now))
        rescueCount += 1
        sentChunkCount += 1
        actions.append(.send(peer, chunk))
    }

    /// The chunk was sent to this very peer, and the connection it went out on is still there.
    private mutating func isBeingRescued(_ chunk: ChunkID, at peer: PeerIndex, _ now: UInt64) -> Bool {
        members[Int(peer)]!.rescues.removeAll { now >= $0.at + SwarmLimits.rescuePatienceNanoseconds }
        return members[Int(peer)]!.rescues.contains { $0.chunk == chunk }
    }

    /// A live peer that holds the chunk, is not known for chunks that had to be rescued, and is not called a liar.
    private func holder(of chunk: ChunkID, besides peer: PeerIndex, and failed: PeerIndex?) -> PeerIndex? {
        guard holderCount[Int(chunk)] > 0 else { return nil }
        let start = Int(chunk) % max(members.count, 1)
        for step in 0..<members.count {
            let index = (start + step) % members.count
            guard let member = members[index], PeerIndex(index) != peer, PeerIndex(index) != failed else { continue }
            guard member.isTrusted else { continue }
            if member.strikes < SwarmLimits.strikeLimit, member.have.contains(chunk) { return PeerIndex(index) }
        }
        return nil
    }
}
