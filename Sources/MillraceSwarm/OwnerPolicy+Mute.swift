import MillraceWire

/// Chunks that nobody gets from the one who has them: it lists what it is granted, and what it sends does not arrive.
/// All others would wait for those chunks at the end.
extension OwnerPolicy {
    /// Offers to others what was granted to peers that pass nothing on.
    mutating func offerUnpassed(at now: UInt64) {
        guard now >= nextMuteCheckAt, let least = leastPatienceNanoseconds, let usual = passOnNanoseconds else {
            return
        }
        nextMuteCheckAt = now + least / SwarmLimits.muteChecksPerPatience
        mayBePassedOn = isSomethingUnpassed
        for index in members.indices {
            guard let member = members[index], !member.listed.isEmpty, member.isTrusted else { continue }
            // One that says nothing either has fallen silent, and may have to be waited for as long as that takes.
            guard member.isComplete || now < member.heardAt.addingSaturating(least) else { continue }
            let patience = passingOnPatience(of: member, atLeast: least, usual)
            guard now >= (member.passedOnAt ?? 0).addingSaturating(patience) else { continue }
            offerAgain(of: PeerIndex(index), listedBefore: now - min(now, patience), now)
        }
    }

    /// When somebody who passes nothing on may have to be noticed; nil while there is nothing to be passed on, or
    /// nobody to pass it on to.
    var nextMuteCheck: UInt64? {
        guard leastPatienceNanoseconds != nil, passOnNanoseconds != nil, mayBePassedOn else { return nil }
        return nextMuteCheckAt
    }

    var isSomethingUnpassed: Bool { members.contains { ($0?.unreplicated ?? 0) > 0 } }

    /// After how long without a chunk seen elsewhere this peer counts as mute. One that has passed on nothing yet may
    /// have a link of another kind.
    private func passingOnPatience(of member: OwnerMember, atLeast least: UInt64, _ usual: UInt64) -> UInt64 {
        let own = member.passingOn.usualNanoseconds.map { SwarmLimits.grantPatienceTimes * $0 }
        let others = SwarmLimits.grantPatienceTimes * usual
        return max(least, others, own ?? SwarmLimits.newcomerPatienceTimes * usual)
    }

    private mutating func offerAgain(of peer: PeerIndex, listedBefore time: UInt64, _ now: UInt64) {
        let listed = members[Int(peer)]!.listed
        for entry in listed where entry.at <= time && isOnlyAt(peer, entry.chunk) {
            takeBack(entry.chunk, from: peer, at: now)
        }
        members[Int(peer)]!.listed.removeAll { $0.at <= time }
    }
}
