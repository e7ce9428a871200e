import MillraceWire

extension OwnerPolicy {
    /// A peer leaves the owner so many chunks of the owner's choice to send.
    public mutating func credit(_ peer: PeerIndex, count: Int) throws(WireError) {
        guard isMember(peer) else { return }
        guard members[Int(peer)]!.credits + count <= WireLimits.largestOutstandingCount else {
            throw .limitExceeded(limit: "credits")
        }
        members[Int(peer)]!.credits += count
        members[Int(peer)]!.heldCredits += count
        queueCredits(of: peer)
    }

    /// Many credits alone show nothing: a member that lists no chunk yet has as many in the queue as chunks it may get.
    mutating func queueCredits(of peer: PeerIndex) {
        let member = members[Int(peer)]!
        let room = member.have.isEmpty
            ? SwarmLimits.unreplicatedGate - member.queuedCredits : member.heldCredits
        guard room > 0 else { return }
        let count = min(room, member.heldCredits)
        members[Int(peer)]!.heldCredits -= count
        for _ in 0..<count { creditQueue.append(peer) }
    }

    /// The oldest grant of this peer has been handed to its socket.
    public mutating func wrote(_ peer: PeerIndex, at now: UInt64) {
        guard isMember(peer), !members[Int(peer)]!.writing.isEmpty else { return }
        let start = max(members[Int(peer)]!.writing.removeFirst(), members[Int(peer)]!.lastWrote)
        members[Int(peer)]!.lastWrote = now
        if members[Int(peer)]!.writing.isEmpty { writers.removeAll { $0 == peer } }
        let sample = now > start ? now - start : 0
        let isFirst = members[Int(peer)]!.writeNanoseconds == nil
        tempo.left(at: now, isFirstOfPeer: isFirst, turns: uplinkTurns, limit: mostOwedChunks)
        writeNanoseconds = writeNanoseconds.movingAverage(with: sample)
        members[Int(peer)]!.writeNanoseconds = members[Int(peer)]!.writeNanoseconds.movingAverage(with: sample)
    }

    /// Binds chunks to credits while the uplink has room.
    public mutating func pump(at now: UInt64, into actions: inout [OwnerAction]) {
        expireGrants(at: now)
        offerUnpassed(at: now)
        answerHeldRescues(at: now, into: &actions)
        heldBackUntil = nil
        while !unsent.isEmpty, hasRoom(at: now) {
            let choice = chooseCredit(at: now)
            if let end = choice.heldBackUntil { heldBackUntil = min(heldBackUntil ?? .max, end) }
            guard let index = choice.index else { return }
            let peer = creditQueue.remove(at: index)
            guard let chunk = unsent.first(missingIn: members[Int(peer)]!.have) else { return }
            unsent.remove(chunk)
            grantee[Int(chunk)] = peer
            relayed.remove(chunk)
            members[Int(peer)]!.unreplicated += 1
            members[Int(peer)]!.credits -= 1
            members[Int(peer)]!.wasGranted = true
            members[Int(peer)]!.passingOn.granted(chunk, at: now)
            lastGrantAt = now
            if members[Int(peer)]!.writing.isEmpty { writers.append(peer) }
            members[Int(peer)]!.writing.append(now)
            grantsInFlight.append(Grant(peer: peer, chunk: chunk, at: now))
            sentChunkCount += 1
            advanceFrontier(to: chunk + 1)
            actions.append(.grant(peer, chunk))
        }
    }
}
