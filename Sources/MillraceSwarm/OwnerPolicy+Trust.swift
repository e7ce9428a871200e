import MillraceWire

/// Members that others say send bad chunks, or none: what they list counts for nothing.
extension OwnerPolicy {
    /// Whether this accusation is one the policy has not heard from this accuser.
    public func isNews(_ accused: PeerIndex, by accuser: PeerIndex) -> Bool {
        isMember(accused) && accused != accuser && !members[Int(accused)]!.accusers.contains(accuser)
    }

    /// Says that `accused` sent a bad chunk. From the first voice on nobody depends on what it says it holds, at the
    /// cost of one more copy at most if that voice lies; once enough distinct peers say so it is evicted.
    public mutating func bad(_ accused: PeerIndex, by accuser: PeerIndex, into actions: inout [OwnerAction]) {
        guard isNews(accused, by: accuser), isHeard(accuser, against: accused) else { return }
        members[Int(accuser)]!.accusedCount += 1
        distrust(accused)
        members[Int(accused)]!.accusers.append(accuser)
        if members[Int(accused)]!.accusers.count >= SwarmLimits.accuserLimit { actions.append(.evict(accused)) }
    }

    /// From now on what it lists counts for nothing.
    mutating func distrust(_ peer: PeerIndex) {
        distrustCount += 1
        offerAgain(members[Int(peer)]!, peer)
        members[Int(peer)]!.unreplicated = 0
        members[Int(peer)]!.passingOn.forget()
    }

    /// Whether this is a voice of its own: of a member, one that does not accuse everybody, and from another machine
    /// than those that were heard, unless the accused is on that machine too.
    private func isHeard(_ accuser: PeerIndex, against accused: PeerIndex) -> Bool {
        guard isMember(accuser), let own = members[Int(accuser)], own.takesPart else { return false }
        guard own.accusedCount < SwarmLimits.accusedLimit else { return false }
        guard own.host != .none, own.host != members[Int(accused)]!.host else { return true }
        return !members[Int(accused)]!.accusers.contains { other in
            isMember(other) && members[Int(other)]!.host == own.host
        }
    }

    /// Who lists chunks and gives them to nobody must not keep the owner from giving them. It may be out of reach.
    mutating func doubt(_ peer: PeerIndex, by doubter: PeerIndex) {
        guard isMember(peer), members[Int(peer)]!.isTrusted else { return }
        guard !members[Int(peer)]!.doubters.contains(doubter) else { return }
        members[Int(peer)]!.doubters.append(doubter)
        // On a ring of two or three there is one who can tell.
        guard members[Int(peer)]!.doubters.count >= min(SwarmLimits.doubterLimit, ring.count / 2) else { return }
        distrust(peer)
        members[Int(peer)]!.isDoubted = true
    }
}
