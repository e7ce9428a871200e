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

    /// The oldest credit of a peer that passed its grants on, else of the one with fewest not passed on. A peer whose
    /// grants had to be rescued, or that is said to send bad chunks, waits while any other incomplete peer is free of
    /// that.
    ///
    /// - Returns: the credit's place in the queue, nil if there is none to use now; and until when one waits that was
    ///   passed over for others who are to take the last chunks.
    private func chooseCredit(at now: UInt64) -> (index: Int?, heldBackUntil: UInt64?) {
        lazy var someUnstruck = members.contains { member in
            guard let member, member.isGoodRelay, !isSuspect(member) else { return false }
            return takesChunks(member, at: now)
        }
        lazy var someIsPrompter = hasPrompterMember(at: now)
        let isTurnOfSuspects = sentChunkCount % SwarmLimits.suspectShare == 0
        var best: (index: Int, unreplicated: Int)?
        var heldBackUntil: UInt64?
        let (start, count) = (creditStart, creditQueue.count)
        for offset in 0..<count {
            let index = (start + offset) % count
            let peer = creditQueue[index]
            let member = members[Int(peer)]!
            guard member.writing.count < writingLimit(of: member) else { continue }
            // It must list what it got before it gets more.
            if member.have.isEmpty, member.unreplicated >= SwarmLimits.unreplicatedGate { continue }
            if member.waitsForOthers || !isTurnOfSuspects && isSuspect(member), someUnstruck { continue }
            if holdsUpTheEnd(member, at: now), someIsPrompter, let end = holdBackEnd(of: member, at: now) {
                heldBackUntil = min(heldBackUntil ?? .max, end)
                continue
            }
            if let best, member.unreplicated >= best.unreplicated { continue }
            guard unsent.first(missingIn: member.have) != nil else { continue }
            if member.unreplicated < SwarmLimits.unreplicatedGate { return (index, heldBackUntil) }
            best = (index, member.unreplicated)
        }
        guard let best, !isWorthWaiting(insteadOf: creditQueue[best.index], at: now) else {
            return (nil, heldBackUntil)
        }
        return (best.index, heldBackUntil)
    }

    /// It wants chunks, or took one just now: one that does not must not keep all others from what there is.
    private func takesChunks(_ member: OwnerMember, at now: UInt64) -> Bool {
        if member.queuedCredits > 0 || !member.writing.isEmpty { return true }
        let patience = leastPatienceNanoseconds ?? SwarmLimits.shortestGrantPatienceNanoseconds
        return member.wasGranted && now < member.lastWrote + patience
    }

    /// Where the search for a credit begins: at the oldest, on a large ring each time elsewhere. Newcomers' credits
    /// stand in ring order, and chunks that begin at neighbours spread by the same links (1,000 peers, 1,000 chunks:
    /// 1.062 times the bound that way, 1.049 this way).
    private var creditStart: Int {
        guard ring.isLarge, !creditQueue.isEmpty else { return 0 }
        var generator = SeededGenerator(seed: UInt64(sentChunkCount))
        return Int(generator.next() % UInt64(creditQueue.count))
    }

    /// Somebody the uplink is busy with now passes chunks on so much better that the next had better go there too,
    /// unless the link has been idle for it.
    private func isWorthWaiting(insteadOf candidate: PeerIndex, at now: UInt64) -> Bool {
        guard extraTurns(at: now) < SwarmLimits.owedTurnsThatDoNotWait else { return false }
        let other = members[Int(candidate)]!
        return writers.contains { peer in
            guard let member = members[Int(peer)], let bound = member.writing.first else { return false }
            guard bound + waitNanoseconds > now, !isFarBehind(member, other) else { return false }
            guard let own = member.writeNanoseconds, own <= 2 * (other.writeNanoseconds ?? own) else { return false }
            return member.unreplicated + SwarmLimits.unreplicatedGate <= other.unreplicated
        }
    }

    /// It lacks so much of what the other has that this fills its link: it does not wait for what the owner sends, and
    /// that it takes little of what the other was granted says nothing of the other.
    private func isFarBehind(_ member: OwnerMember, _ other: OwnerMember) -> Bool {
        let lead = SwarmLimits.farBehindChunkCount + SwarmLimits.farBehindChunksPerMember * ring.count
        return other.have.count > member.have.count + lead
    }

    /// Late binding: a slow link has one chunk being written; a fast one is kept busy by all its credits.
    private func writingLimit(of member: OwnerMember) -> Int {
        takesTurns ? 1 : WireLimits.largestOutstandingCount
    }
}
