import MillraceIO
import MillraceSwarm
import MillraceWire

/// Tells one neighbour, or the owner, of the chunks this peer has verified since it was told last: at once after a
/// pause, else so far apart as the policy's pace says.
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
    ///
    /// - Parameter listed: what the other side has listed on this connection, and so need not be told.
    mutating func post(
        from node: PeerNode, to link: Link, _ party: Party, now: UInt64, besides listed: ChunkSet? = nil
    ) -> UInt64? {
        let waiting = node.journalCount.load(ordering: .acquiring) - announcedCount
        if isUpward {
            // A source learns only how rare a chunk is: that can wait until its thread has something to do anyway.
            let isDue = waiting >= NodeLimits.upwardNewsCount || now >= lastAt + NodeLimits.upwardNewsNanoseconds
            if waiting > 0, isDue { announce(from: node, to: link, party, now: now, besides: listed) }
            return .max
        }
        let due = lastAt + pause(of: node, party)
        guard waiting > 0 else { return due > now ? due : nil }
        guard now >= due else { return due }
        announce(from: node, to: link, party, now: now, besides: listed)
        let wait = pause(of: node, party)
        let isMore = node.journalCount.load(ordering: .acquiring) > announcedCount
        return wait > 0 || isMore ? now + wait : nil
    }

    private func pause(of node: PeerNode, _ party: Party) -> UInt64 {
        party == .owner
            ? node.ownerAnnounceNanoseconds.load(ordering: .relaxed)
            : node.announceNanoseconds.load(ordering: .relaxed)
    }

    private mutating func announce(
        from node: PeerNode, to link: Link, _ party: Party, now: UInt64, besides listed: ChunkSet?
    ) {
        let mark = announcedCount
        let (count, news, chunkCount) = node.state.withLock { state in
            let all = state.journal[mark...].prefix(NodeLimits.newsCount)
            let news = needed(all, by: party, state.policy, besides: listed)
            return (all.count, news, state.policy?.layout.chunkCount ?? 0)
        }
        announcedCount += count
        lastAt = now
        guard !news.isEmpty else { return }
        _ = link.post(.have(ChunkIDList.encode(runs: ChunkIDList.runs(of: news), chunkCount: chunkCount)))
        node.log.list(.sent, count: news.count, isAddition: true, party)
    }

    /// The owner must hear of every chunk; a neighbour has no use for those it has said it holds.
    private func needed(
        _ chunks: ArraySlice<ChunkID>, by party: Party, _ policy: PeerPolicy?, besides listed: ChunkSet?
    ) -> [ChunkID] {
        guard case .peer(let peer) = party else { return Array(chunks) }
        guard let policy else { return [] }
        if isUpward, policy.isClient(peer) { return [] }
        // Of one that is no source the policy knows what anybody said under its number.
        let isSource = policy.isSource(peer)
        return chunks.filter { !(listed?.contains($0) ?? false || isSource && policy.isKnown($0, at: peer)) }
    }
}
