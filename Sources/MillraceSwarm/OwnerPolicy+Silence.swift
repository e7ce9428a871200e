import MillraceWire

/// Grants whose peer lists nothing: a peer that fell silent must not keep them from the rest until it counts as gone.
extension OwnerPolicy {
    /// The peer lists a chunk that it was granted.
    mutating func listed(_ chunk: ChunkID, by peer: PeerIndex, at now: UInt64?) {
        guard let index = grantsInFlight.firstIndex(where: { $0.chunk == chunk && $0.peer == peer }) else { return }
        let grant = grantsInFlight.remove(at: index)
        guard let now, now >= grant.at else { return }
        let sample = now - grant.at
        listNanoseconds = listNanoseconds.movingAverage(with: sample)
        members[Int(peer)]!.listNanoseconds = members[Int(peer)]!.listNanoseconds.movingAverage(with: sample)
        mayBePassedOn = true
        members[Int(peer)]!.noteListed(Grant(peer: peer, chunk: chunk, at: now))
    }

    /// A peer lists something again. What it takes now is what the next grants to it may take; others may fetch what it
    /// has.
    mutating func speaksAgain(_ peer: PeerIndex, at now: UInt64?) {
        guard let now, let last = members[Int(peer)]!.lapsed.last else { return }
        members[Int(peer)]!.lapsed = []
        for chunk in members[Int(peer)]!.unheard where holderCount[Int(chunk)] > 0 { unsent.remove(chunk) }
        members[Int(peer)]!.unheard = []
        let elapsed = now - min(now, last.at)
        members[Int(peer)]!.listNanoseconds = members[Int(peer)]!.listNanoseconds.movingAverage(with: elapsed)
    }

    /// Offers to others what silent peers were granted.
    mutating func expireGrants(at now: UInt64) {
        guard let least = leastPatienceNanoseconds else { return }
        var index = 0
        while index < grantsInFlight.count, now >= grantsInFlight[index].at + least {
            let grant = grantsInFlight[index]
            if now < grant.at + patience(with: grant.peer, atLeast: least) {
                index += 1
            } else {
                grantsInFlight.remove(at: index)
                expire(grant, at: now)
            }
        }
        offerUnheard(at: now, least)
    }

    private mutating func expire(_ grant: Grant, at now: UInt64) {
        guard grantee[Int(grant.chunk)] == grant.peer, isMember(grant.peer) else { return }
        if members[Int(grant.peer)]!.lapsed.isEmpty { fallingSilent.append(grant.peer) }
        members[Int(grant.peer)]!.lapsed.append(grant)
        grantee[Int(grant.chunk)] = OwnerPolicy.nobody
        if !relayed.contains(grant.chunk) { members[Int(grant.peer)]!.unreplicated -= 1 }
        _ = members[Int(grant.peer)]!.passingOn.passed(grant.chunk, at: now)
        if members[Int(grant.peer)]!.have.isEmpty { noteWaste(by: members[Int(grant.peer)]!) }
        if holderCount[Int(grant.chunk)] == 0 { unsent.insert(grant.chunk) }
    }

    /// Looks after those that let a grant lapse, until they speak again or have been silent for as long.
    private mutating func offerUnheard(at now: UInt64, _ least: UInt64) {
        guard !fallingSilent.isEmpty else { return }
        let peers = fallingSilent
        fallingSilent = []
        for peer in peers {
            guard let spoke = spokeLast(peer) else { continue }
            if now < spoke + least { fallingSilent.append(peer) } else { offerUnheard(of: peer, at: now) }
        }
    }

    /// When a member that has fallen silent last listed a grant that may be offered again; nil if there is none.
    private func spokeLast(_ peer: PeerIndex) -> UInt64? {
        guard isMember(peer), let member = members[Int(peer)], !member.lapsed.isEmpty else { return nil }
        return member.listed.last?.at
    }

    /// What the peer told the owner of last, its neighbours may not have heard of. All would ask for it in vain at the
    /// end.
    private mutating func offerUnheard(of peer: PeerIndex, at now: UInt64) {
        let listed = members[Int(peer)]!.listed
        members[Int(peer)]!.listed = []
        guard let last = listed.last, members[Int(peer)]!.isTrusted else { return }
        for entry in listed where entry.at + SwarmLimits.unheardNanoseconds >= last.at {
            guard isOnlyAt(peer, entry.chunk) else { continue }
            takeBack(entry.chunk, from: peer, at: now)
            members[Int(peer)]!.unheard.append(entry.chunk)
        }
    }

    /// The peer was granted the chunk and lists it, and nobody else does.
    func isOnlyAt(_ peer: PeerIndex, _ chunk: ChunkID) -> Bool {
        grantee[Int(chunk)] == peer && !relayed.contains(chunk) && holderCount[Int(chunk)] == 1
    }

    /// Offers a chunk again that only this peer has; that counts as a rescue of it.
    mutating func takeBack(_ chunk: ChunkID, from peer: PeerIndex, at now: UInt64) {
        grantee[Int(chunk)] = OwnerPolicy.nobody
        members[Int(peer)]!.unreplicated -= 1
        members[Int(peer)]!.strikes += 1
        _ = members[Int(peer)]!.passingOn.passed(chunk, at: now)
        unsent.insert(chunk)
    }

    /// When the first grant expires that nobody lists until then, or somebody counts as silent; nil while nobody knows
    /// how long that takes. Grants stand in the order in which they were bound.
    var nextExpiry: UInt64? {
        guard let least = leastPatienceNanoseconds else { return nil }
        var earliest = fallingSilent.lazy.compactMap { spokeLast($0) }.min().map { $0 + least }
        for grant in grantsInFlight {
            if let earliest, grant.at + least >= earliest { break }
            earliest = min(earliest ?? .max, grant.at + patience(with: grant.peer, atLeast: least))
        }
        return earliest
    }

    /// Nobody must have listed a grant sooner than this; nil while nobody knows, and where nobody else could take what
    /// is offered again.
    var leastPatienceNanoseconds: UInt64? {
        guard ring.count > 1 else { return nil }
        return listNanoseconds.map {
            max(SwarmLimits.shortestGrantPatienceNanoseconds, SwarmLimits.grantPatienceTimes * $0)
        }
    }

    /// How long after a grant this peer must have listed it. A newcomer may be much slower than the others.
    private func patience(with peer: PeerIndex, atLeast least: UInt64) -> UInt64 {
        guard isMember(peer) else { return least }
        let own = members[Int(peer)]!.listNanoseconds.map { SwarmLimits.grantPatienceTimes * $0 }
        return max(least, own ?? SwarmLimits.newcomerPatienceTimes * (listNanoseconds ?? 0))
    }
}
