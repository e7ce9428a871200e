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
    /// Digests of pages that were sent.
    private var sentPageCount = 0
    private(set) var hasEnded = false
    /// Chunks below this number are on the list the peer asked for; nil until it does.
    private var listedCount: UInt32?
    /// Chunks whose proofs the peer asked for, sent below the number; nil until it does.
    private var toProve: ChunkSet?
    private var provenBelow: ChunkID = 0

    init(_ node: OwnerNode) {
        self.node = node
        idleTurn = RateTurn(node.idleDigests)
    }

    /// Chunks of the pages whose digests were sent.
    var coveredChunkCount: UInt32 { node.layout.chunkCount(inPages: UInt32(sentPageCount)) }

    /// Answers the peer's request for the list, once. Returns the number of chunks on it; nil the second time.
    mutating func list(to link: Link) -> UInt32? {
        guard listedCount == nil else { return nil }
        let count = coveredChunkCount
        var set = ChunkSet(chunkCount: node.layout.chunkCount)
        set.insert(0..<count)
        listedCount = count
        _ = link.post(.list(ChunkIDList.encode(set)))
        return count
    }

    /// Takes the peer's request for proofs, once; false the second time.
    mutating func prove(_ chunks: ChunkSet) -> Bool {
        guard toProve == nil else { return false }
        toProve = chunks
        return true
    }

    /// Posts what is due, a frame of digests or as much of proofs at most. Returns when to look again; nil to be woken
    /// by news.
    mutating func post(to link: Link, for taker: Taker, _ party: Party, now: UInt64) -> UInt64? {
        let all = node.coveredChunkCount.load(ordering: .acquiring)
        let wanted = taker == .takesChunks ? min(all, node.digestTarget.load(ordering: .acquiring)) : all
        let target = Int(node.layout.pageCount(below: wanted))
        let again = taker == .unknown ? trickle(upTo: target, to: link, now: now) : now
        if taker != .unknown {
            if sentPageCount < target { send(upTo: target, to: link) }
            prove(atMost: NodeLimits.proofCount, to: link)
        }
        tellOfMore(to: link, party)
        if sentPageCount < target || nextToProve != nil { return again }
        if !hasEnded, let contentID = ending() {
            hasEnded = true
            _ = link.post(.manifestEnd(contentID: contentID))
        }
        return nil
    }

    /// Keeps the list that the peer asked for current.
    private mutating func tellOfMore(to link: Link, _ party: Party) {
        let covered = coveredChunkCount
        guard let listed = listedCount, listed < covered else { return }
        _ = link.post(.have(ChunkIDList.encode(runs: [listed..<covered], chunkCount: node.layout.chunkCount)))
        node.log.list(.sent, count: Int(covered - listed), isAddition: true, party)
        listedCount = covered
    }

    /// The content ID once it may be told. The splitter may have closed the manifest since its digests were counted, so
    /// that it is the file's pages that must have been sent.
    private func ending() -> Digest? {
        guard sentPageCount == Int(node.layout.pageCount), node.isManifestClosed.load(ordering: .acquiring) else {
            return nil
        }
        return node.state.withLock { $0.manifest.contentID }
    }

    /// A few digests at once, more from what all that take no part share. Returns when to look again.
    private mutating func trickle(upTo target: Int, to link: Link, now: UInt64) -> UInt64 {
        let atOnce = min(target, Int(SwarmLimits.shortestDigestLead))
        if sentPageCount < atOnce { send(upTo: atOnce, to: link) }
        let end = min(target, sentPageCount + NodeLimits.idleDigestCount)
        let proofCount = end == sentPageCount && nextToProve != nil ? NodeLimits.idleProofCount : 0
        guard sentPageCount < end || proofCount > 0 else { return now }
        let digestCount = end - sentPageCount
        let byteCount =
            digestCount * WireLimits.digestByteCount + proofCount * WireLimits.largestProofByteCount
        if let opensAt = idleTurn.opensAt(byteCount, now: now) { return opensAt }
        idleTurn.passed(byteCount)
        send(upTo: end, to: link)
        prove(atMost: proofCount, to: link)
        return now
    }

    private mutating func send(upTo target: Int, to link: Link) {
        let first = sentPageCount
        let end = min(target, first + WireLimits.largestDigestCountPerFrame)
        guard first < end else { return }
        let digests = node.state.withLock { Array($0.manifest.digests[first..<end]) }
        _ = link.post(.digests(first: coveredChunkCount, digests))
        sentPageCount = end
    }

    /// The next chunk to prove, if its page is known to the peer.
    private var nextToProve: ChunkID? {
        guard let chunk = toProve?.first(from: provenBelow), chunk < coveredChunkCount else { return nil }
        return chunk
    }

    private mutating func prove(atMost count: Int, to link: Link) {
        var frames: [UInt8] = []
        for _ in 0..<count {
            guard let chunk = nextToProve else { break }
            provenBelow = chunk + 1
            guard let proof = node.state.withLock({ $0.manifest.proof(of: chunk) }) else { continue }
            Message.proof(chunk, proof).append(to: &frames)
        }
        guard !frames.isEmpty else { return }
        _ = link.post { $0.control.append(contentsOf: frames) }
    }
}
