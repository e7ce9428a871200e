import MillraceSwarm
import MillraceWire

/// What this peer asks its sources to have on the way to it (PROTOCOL.md, P-11). Its owner is not asked: whoever has
/// more room than others there has more of what all wait for.
extension PeerNode {
    /// Asks all of its sources for so many times the usual.
    func askForRoom(_ times: Int, _ state: PeerState, _ effects: inout PeerEffects) {
        guard let policy = state.policy else { return }
        effects.notice(
            times > 1
                ? "sends far less than comes to it or to others: sources are asked for \(times) times the usual room"
                : "sources are asked for the usual room again", level: .verbose)
        for source in state.sources where policy.isSource(source.peer) {
            effects.wake(source.link, if: source.link.post(.room(times: UInt8(times))))
        }
    }

    /// Asks a new one for what the others were asked for.
    func askForRoom(at source: Link, _ state: PeerState) {
        let times = rates.share.roomTimes
        if times > 1 { _ = source.post(.room(times: UInt8(times))) }
    }
}
