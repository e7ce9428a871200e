import MillraceWire

/// Whose credit the next chunk is bound to.
extension OwnerPolicy {
    /// The oldest credit of a peer that passed its grants on, else of the one with fewest not passed on. A peer whose
    /// grants had to be rescued, or that is said to send bad chunks, waits while any other incomplete peer is free of
    /// that.
    ///
    /// - Returns: the credit's place in the queue, nil if there is none to use now; and until when one waits that was
    ///   passed over for others who are to take the last chunks, or the next.
    func chooseCredit(at now: UInt64) -> (index: Int?, heldBackUntil: UInt64?) {
        lazy var someUnstruck = members.contains { member in
            guard let member, member.isGoodRelay, !isSuspect(member) else { return false }
            return takesChunks(member, at: now)
        }
        lazy var front = findFront()
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
            if holdsUpTheEnd(member, at: now), hasPrompterMember(than: member, at: now),
                let end = holdBackEnd(of: member, at: now)
            {
                heldBackUntil = min(heldBackUntil ?? .max, end)
                continue
            }
            let isFew = member.unreplicated < SwarmLimits.unreplicatedGate
            let unreplicated = isFew ? member.unreplicated : unreplicatedCount(of: member, front)
            if let best, unreplicated >= best.unreplicated { continue }
            guard unsent.first(missingIn: member.have) != nil else { continue }
            if unreplicated < SwarmLimits.unreplicatedGate { return (index, heldBackUntil) }
            best = (index, unreplicated)
        }
        guard let best else { return (nil, heldBackUntil) }
        let end = waitEnd(insteadOf: creditQueue[best.index], front, at: now)
        return end.map { (nil, min($0, heldBackUntil ?? .max)) } ?? (best.index, heldBackUntil)
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

    /// Until when the owner waits for somebody who passes chunks on so much better that the next had better go there
    /// too, and whom the uplink is busy with or was just now. Nil if there is nobody, and once the link has been idle
    /// for it.
    private func waitEnd(insteadOf candidate: PeerIndex, _ front: Front, at now: UInt64) -> UInt64? {
        guard extraTurns(at: now) < SwarmLimits.owedTurnsThatDoNotWait else { return nil }
        let other = members[Int(candidate)]!
        let limit = unreplicatedCount(of: other, front)
        let takesTurns = takesTurns
        var latest: UInt64?
        for case let member? in members where member.isGoodRelay && member.wasGranted {
            guard let busyAt = member.writing.first ?? (takesTurns ? member.lastWrote : nil) else { continue }
            let end = busyAt + waitNanoseconds
            guard end > max(now, latest ?? 0), !isFarBehind(member, other) else { continue }
            guard let own = member.writeNanoseconds, own <= 2 * (other.writeNanoseconds ?? own) else { continue }
            guard unreplicatedCount(of: member, front) + SwarmLimits.unreplicatedGate <= limit else { continue }
            latest = end
        }
        return latest
    }

    /// How many granted chunks nobody took from this peer although somebody could have. Of one that has so much more
    /// than all others that they are busy with it, many say no more than a few.
    private func unreplicatedCount(of member: OwnerMember, _ front: Front) -> Int {
        let isAlone = front.isAlone(member.have.count, lead: farBehindLead)
        return isAlone ? min(member.unreplicated, SwarmLimits.aloneUnreplicatedLimit) : member.unreplicated
    }

    /// How far the two are that have most, of those that still take chunks.
    private func findFront() -> Front {
        var front = Front()
        for case let member? in members where member.isGoodRelay { front.add(member.have.count) }
        return front
    }

    /// It lacks so much of what the other has that this fills its link: it does not wait for what the owner sends, and
    /// that it takes little of what the other was granted says nothing of the other.
    func isFarBehind(_ member: OwnerMember, _ other: OwnerMember) -> Bool {
        other.have.count > member.have.count + farBehindLead
    }

    private var farBehindLead: Int {
        SwarmLimits.farBehindChunkCount + SwarmLimits.farBehindChunksPerMember * ring.count
    }

    /// Late binding: a slow link has one chunk being written; a fast one is kept busy by all its credits.
    private func writingLimit(of member: OwnerMember) -> Int {
        takesTurns ? 1 : WireLimits.largestOutstandingCount
    }
}

/// The two greatest numbers of chunks that members have.
struct Front {
    private var first = 0
    private var second = 0

    mutating func add(_ count: Int) {
        if count > first {
            (first, second) = (count, first)
        } else {
            second = max(second, count)
        }
    }

    /// Whether one that has so many, and was added, has more than a lead before all others.
    func isAlone(_ count: Int, lead: Int) -> Bool { count == first && count > second + lead }
}
