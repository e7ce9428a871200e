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
        // It lists what it got before it gets more, as with grants.
        members[Int(peer)]!.heldRescue = nil
        guard members[Int(peer)]!.rescues.count < SwarmLimits.unlistedRescueLimit else {
            members[Int(peer)]!.heldRescue = (chunk, failed)
            return
        }
        noteVainAsk(peer, chunk, failed)
        guard !grantsInFlight.contains(where: { $0.chunk == chunk && $0.peer == peer }) else { return }
        let reachesNobody = members[Int(peer)]!.reachesNobody
        if !reachesNobody, let other = otherSource(of: chunk, for: peer, besides: failed, now, hedgeNanoseconds) {
            members[Int(peer)]!.lastAsk = (chunk, other)
            actions.append(.ask(peer, chunk, from: other))
            return
        }
        let first = grantee[Int(chunk)]
        if first != OwnerPolicy.nobody, first != peer, !reachesNobody { members[Int(first)]?.strikes += 1 }
        if unsent.remove(chunk) {
            grantee[Int(chunk)] = peer
            relayed.remove(chunk)
            members[Int(peer)]!.unreplicated += 1
            grantsInFlight.append(Grant(peer: peer, chunk: chunk, at: now))
        }
        members[Int(peer)]!.wasGranted = true
        rescues[chunk] = (peer, now)
        members[Int(peer)]!.rescues.append((chunk, now))
        rescueCount += 1
        sentChunkCount += 1
        actions.append(.send(peer, chunk))
    }

    /// A rescued chunk has arrived, and leaves room for one that was held back.
    mutating func noteListedRescue(of chunk: ChunkID, at peer: PeerIndex) {
        let count = members[Int(peer)]!.rescues.count
        members[Int(peer)]!.rescues.removeAll { $0.chunk == chunk }
        guard members[Int(peer)]!.rescues.count < count, members[Int(peer)]!.heldRescue != nil else { return }
        if !rescuableAgain.contains(peer) { rescuableAgain.append(peer) }
    }

    /// Answers who had to list chunks first, and would wait in vain for a while.
    mutating func answerHeldRescues(at now: UInt64, into actions: inout [OwnerAction]) {
        guard !rescuableAgain.isEmpty else { return }
        for peer in rescuableAgain where isMember(peer) {
            guard let held = members[Int(peer)]!.heldRescue else { continue }
            rescue(peer, held.chunk, from: held.failed, at: now, into: &actions)
        }
        rescuableAgain.removeAll(keepingCapacity: true)
    }

    /// Who has the chunk or will have it soon.
    private func otherSource(
        of chunk: ChunkID, for peer: PeerIndex, besides failed: PeerIndex?, _ now: UInt64, _ hedgeNanoseconds: UInt64
    ) -> PeerIndex? {
        if let other = holder(of: chunk, besides: peer, and: failed) { return other }
        if let last = rescues[chunk], last.peer != peer, last.peer != failed, isMember(last.peer),
            members[Int(last.peer)]!.isTrusted,
            now < last.at + max(SwarmLimits.rescueHedgePeriods * hedgeNanoseconds, leastPatienceNanoseconds ?? 0)
        {
            return last.peer
        }
        let grant = grantsInFlight.first { $0.chunk == chunk && $0.peer != failed }
        return grant.flatMap { members[Int($0.peer)]?.isTrusted == true ? $0.peer : nil }
    }

    /// It was told to ask that peer for this chunk, and says that it got nothing there.
    private mutating func noteVainAsk(_ peer: PeerIndex, _ chunk: ChunkID, _ failed: PeerIndex?) {
        guard let failed, let last = members[Int(peer)]!.lastAsk, last == (chunk, failed) else { return }
        members[Int(peer)]!.lastAsk = nil
        members[Int(peer)]!.vainAskCount += 1
        if !members[Int(peer)]!.reachesNobody { doubt(failed, by: peer) }
    }

    /// A peer lists a chunk that was not granted to it: unless it was sent as a rescue, it came from another peer.
    mutating func noteOrigin(of chunk: ChunkID, at peer: PeerIndex) {
        guard !members[Int(peer)]!.rescues.contains(where: { $0.chunk == chunk }) else { return }
        members[Int(peer)]!.vainAskCount = 0
    }

    /// The chunk was sent to this very peer, and the connection it went out on is still there.
    private mutating func isBeingRescued(_ chunk: ChunkID, at peer: PeerIndex, _ now: UInt64) -> Bool {
        members[Int(peer)]!.rescues.removeAll { now >= $0.at + SwarmLimits.rescuePatienceNanoseconds }
        return members[Int(peer)]!.rescues.contains { $0.chunk == chunk }
    }

    /// A live peer that holds the chunk, is not known for chunks that had to be rescued, and is not called a liar.
    private func holder(of chunk: ChunkID, besides peer: PeerIndex, and failed: PeerIndex?) -> PeerIndex? {
        guard holderCount[Int(chunk)] > 0 else { return nil }
        // Who asks for the same chunk asks elsewhere.
        let start = (Int(chunk) + Int(peer)) % max(members.count, 1)
        for step in 0..<members.count {
            let index = (start + step) % members.count
            guard let member = members[index], PeerIndex(index) != peer, PeerIndex(index) != failed else { continue }
            guard member.isTrusted else { continue }
            if member.strikes < SwarmLimits.strikeLimit, member.have.contains(chunk) { return PeerIndex(index) }
        }
        return nil
    }
}
