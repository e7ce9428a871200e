import MillraceIO
import MillraceSwarm
import MillraceWire

/// Tells one neighbour, or the owner, of the chunks this peer has verified since it was told last: at once where
/// chunks are far apart in time, in batches where they are not.
struct NewsFeed {
    private var announcedCount = 0
    private var lastAt: UInt64 = 0
    /// Goes to a source, which may hear the same as a client already.
    private let isUpward: Bool

    init(isUpward: Bool = false) {
        self.isUpward = isUpward
    }

    /// The list was sent whole up to here.
    mutating func listed(upTo count: Int, now: UInt64) {
        announcedCount = count
        lastAt = now
    }

    /// Posts a `have` if it is due. Returns when to look again; nil to be woken by the next chunk.
    mutating func post(from node: PeerNode, to link: Link, _ party: Party, now: UInt64) -> UInt64? {
        let due = lastAt + node.announceNanoseconds.load(ordering: .relaxed)
        guard node.journalCount.load(ordering: .acquiring) > announcedCount else { return due > now ? due : nil }
        guard now >= due else { return due }
        let mark = announcedCount
        let (news, needed): ([ChunkID], Bool) = node.state.withLock { state in
            (Array(state.journal[mark...].prefix(NodeLimits.newsCount)), isNeeded(by: party, state.policy))
        }
        announcedCount += news.count
        lastAt = now
        guard needed else { return nil }
        _ = link.post(.have(ChunkIDList.encode(runs: ChunkIDList.runs(of: news))))
        node.log.list(.sent, count: news.count, isAddition: true, party)
        let wait = node.announceNanoseconds.load(ordering: .relaxed)
        let isMore = node.journalCount.load(ordering: .acquiring) > announcedCount
        return wait > 0 || isMore ? now + wait : nil
    }

    private func isNeeded(by party: Party, _ policy: PeerPolicy?) -> Bool {
        guard case .peer(let peer) = party else { return true }
        guard let policy, !policy.isFull(peer) else { return false }
        return !isUpward || !policy.isClient(peer)
    }
}
