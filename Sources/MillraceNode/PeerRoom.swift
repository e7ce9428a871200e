import MillraceSwarm
import MillraceWire

/// What this peer asks its sources to have on the way to it (PROTOCOL.md, P-11). Its owner is not asked: whoever has
/// more room than others there has more of what all wait for.
extension PeerNode {
    /// Asks all of its sources for so many times the usual.
    func askForRoom(_ times: Int, _ state: PeerState, _ effects: inout PeerEffects) {
        guard let policy = state.policy else { return }
        let room = room(times, policy)
        effects.notice(
            times > 1
                ? "sends far less than it receives: sources are asked for \(room) times the usual room"
                : "sources are asked for the usual room again", level: .verbose)
        for source in state.sources where policy.isSource(source.peer) {
            effects.wake(source.link, if: source.link.post(.room(times: room)))
        }
    }

    /// Asks a new one for what the others were asked for.
    func askForRoom(at source: Link, _ state: PeerState) {
        let times = rates.share.roomTimes
        guard times > 1, let policy = state.policy else { return }
        _ = source.post(.room(times: room(times, policy)))
    }

    private func room(_ times: Int, _ policy: PeerPolicy) -> UInt8 {
        let isSmall = policy.ring.count < SwarmLimits.middlingRingCount
        return UInt8(min(times, isSmall ? Int(WireLimits.mostRoomTimes) : SwarmLimits.middlingRoomTimes))
    }
}
