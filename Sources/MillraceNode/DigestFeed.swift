import MillraceIO
import MillraceSwarm
import MillraceWire

/// Sends one peer the manifest as it grows, and the list of what the owner can give where the peer has asked for it.
struct DigestFeed {
    /// What the peer has shown of itself.
    enum Taker {
        /// Nothing. It may be about to verify an earlier run's chunks, or be nobody.
        case unknown
        /// It has chunks, and takes none yet: it needs all digests to judge what it has.
        case verifies
        /// It needs digests ahead of the chunks that are handed out.
        case takesChunks
    }

    private let node: OwnerNode
    private let idleTurn: RateTurn
    private(set) var sentCount: UInt32 = 0
    private(set) var hasEnded = false
    /// Chunks below this number are on the list the peer asked for; nil until it does.
    private var listedCount: UInt32?

    init(_ node: OwnerNode) {
        self.node = node
        idleTurn = RateTurn(node.idleDigests)
    }

    /// Answers the peer's request for the list, once. Returns the number of chunks on it; nil the second time.
    mutating func list(to link: Link) -> UInt32? {
        guard listedCount == nil else { return nil }
        var set = ChunkSet(chunkCount: node.layout.chunkCount)
        set.insert(0..<sentCount)
        listedCount = sentCount
        _ = link.post(.list(ChunkIDList.encode(set)))
        return sentCount
    }

    /// Posts what is due, a frame of digests at most. Returns when to look again; nil to be woken by news.
    mutating func post(to link: Link, for taker: Taker, _ party: Party, now: UInt64) -> UInt64? {
        let all = node.digestCount.load(ordering: .acquiring)
        let target = taker == .takesChunks ? min(all, node.digestTarget.load(ordering: .acquiring)) : all
        let again = taker == .unknown ? trickle(upTo: target, to: link, now: now) : now
        if taker != .unknown, sentCount < target { send(upTo: target, to: link) }
        if let listed = listedCount, listed < sentCount {
            _ = link.post(.have(ChunkIDList.encode(runs: [listed..<sentCount])))
            node.log.list(.sent, count: Int(sentCount - listed), isAddition: true, party)
            listedCount = sentCount
        }
        if sentCount < target { return again }
        if !hasEnded, let contentID = ending() {
            hasEnded = true
            _ = link.post(.manifestEnd(contentID: contentID))
        }
        return nil
    }

    /// The content ID once it may be told. The splitter may have closed the manifest since its digests were counted, so
    /// that it is the file's chunks that must have been sent.
    private func ending() -> Digest? {
        guard sentCount == node.layout.chunkCount, node.isManifestClosed.load(ordering: .acquiring) else { return nil }
        return node.state.withLock { $0.manifest.contentID }
    }

    /// A few digests at once, more from what all that take no part share. Returns when to look again.
    private mutating func trickle(upTo target: UInt32, to link: Link, now: UInt64) -> UInt64 {
        let atOnce = min(target, SwarmLimits.shortestDigestLead)
        if sentCount < atOnce { send(upTo: atOnce, to: link) }
        let end = min(target, sentCount + NodeLimits.idleDigestCount)
        guard sentCount < end else { return now }
        let byteCount = Int(end - sentCount) * WireLimits.digestByteCount
        if let opensAt = idleTurn.opensAt(byteCount, now: now) { return opensAt }
        idleTurn.passed(byteCount)
        send(upTo: end, to: link)
        return now
    }

    private mutating func send(upTo target: UInt32, to link: Link) {
        let first = sentCount
        let end = min(target, first + UInt32(WireLimits.largestDigestCountPerFrame))
        let digests = node.state.withLock { Array($0.manifest.digests[Int(first)..<Int(end)]) }
        _ = link.post(.digests(first: first, digests))
        sentCount = end
    }
}
