import MillraceIO
import MillraceSwarm
import MillraceWire

/// Tells one neighbour, or the owner, of the chunks this peer has verified since it was told last: at once where
/// chunks are far apart in time, in batches where they are not.
struct NewsFeed {
    private var announcedCount = 0
    private var lastAt: UInt64 = 0

    init() {}

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
        let (runs, count, isNeeded) = node.state.withLock { state in
            let isNeeded: Bool
            if case .peer(let peer) = party { isNeeded = !(state.policy?.isFull(peer) ?? true) } else { isNeeded = true }
            let news = state.journal[mark...]
            return (isNeeded ? ChunkIDList.runs(of: news) : [], state.journal.count, isNeeded)
        }
        announcedCount = count
        lastAt = now
        guard isNeeded else { return nil }
        _ = link.post(.have(ChunkIDList.encode(runs: runs)))
        node.log.list(.sent, count: count - mark, isAddition: true, party)
        let wait = node.announceNanoseconds.load(ordering: .relaxed)
        return wait > 0 ? now + wait : nil
    }
}
