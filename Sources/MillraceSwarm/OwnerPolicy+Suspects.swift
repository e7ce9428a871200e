import MillraceWire

/// Connections that take chunks and list none: each costs the uplink two chunks that nobody else gets. Who opens one
/// after the other is known by its address; whoever comes from there must list a chunk before others depend on it.
extension OwnerPolicy {
    /// It lists nothing, and neither did so many from its address before it: it is on nobody's roster, and is granted a
    /// small share only while others wait.
    func isSuspect(_ member: OwnerMember) -> Bool {
        guard !wastes.isEmpty, member.have.isEmpty, member.host != .none else { return false }
        return wastes[member.host] ?? 0 >= SwarmLimits.wasteLimit
    }

    /// Chunks went to this member for nothing.
    mutating func noteWaste(by member: OwnerMember) {
        guard member.host != .none, wastes[member.host] != nil || wastes.count < SwarmLimits.wastingHostLimit else {
            return
        }
        wastes[member.host] = min(SwarmLimits.wasteLimit, (wastes[member.host] ?? 0) + 1)
    }
}
