import MillraceStore
import MillraceSwarm
import MillraceWire

/// Takes what the owner tells of the manifest on one connection: the other end of `DigestFeed`.
struct DigestIntake {
    private let node: PeerNode
    /// Digests of pages that came on this connection.
    private var receivedPageCount = 0
    private var hasEnded = false

    init(_ node: PeerNode) {
        self.node = node
    }

    /// The manifest grows where it is kept; what an earlier connection brought must come again the same.
    mutating func take(first: ChunkID, _ digests: [Digest], now: UInt64) throws(ConnectionEnd) {
        guard !hasEnded else { throw .peerFault(.unexpectedMessage(.digests)) }
        let outcome: Result<Bool, WireError> = node.update { state, effects in
            guard let layout = state.content?.layout else { return .failure(.unexpectedMessage(.digests)) }
            do throws(WireError) {
                guard try state.manifest?.extend(first: first, digests, after: receivedPageCount) == true else {
                    return .success(false)
                }
            } catch {
                return .failure(error)
            }
            state.lastProgress = now
            // The policy may be a new one, for another run of the owner, that has yet to hear of what is known.
            let covered = layout.chunkCount(inPages: UInt32(receivedPageCount + digests.count))
            node.decide(&state, &effects) { $0.digestsKnown(below: covered, at: now, into: &$1) }
            node.judgeEarlier(&state, &effects)
            return .success(true)
        }
        switch outcome {
        case .success(true): receivedPageCount += digests.count
        case .success(false): throw endOfTrust("the owner's file is another one than before")
        case .failure(let fault): throw .peerFault(fault)
        }
    }

    /// Chunks of an earlier run are judged with the last of their page that is asked for.
    func prove(_ chunk: ChunkID, _ proof: [Digest], now: UInt64) throws(ConnectionEnd) {
        try node.learn(proof, of: chunk, from: .grant, now: now)
        node.update { state, effects in
            guard let content = state.content, let left = state.earlier?.left, left.contains(chunk) else { return }
            let next = left.first(from: chunk + 1)
            guard next.map({ content.layout.page(of: $0) != content.layout.page(of: chunk) }) ?? true else { return }
            node.judgeEarlier(&state, &effects)
        }
    }

    /// The owner has hashed the whole file: what it has sent must be that content, and the one its user asked for.
    mutating func end(_ contentID: Digest) throws(ConnectionEnd) {
        guard let manifest = node.state.withLock({ $0.manifest }), receivedPageCount == Int(manifest.layout.pageCount),
            !hasEnded
        else { throw .peerFault(.unexpectedMessage(.manifestEnd)) }
        hasEnded = true
        guard ContentID.compute(manifest) == contentID else {
            throw .peerFault(.badField(.manifestEnd, field: "content ID"))
        }
        if let wanted = node.options.common.contentID, wanted != contentID {
            throw endOfTrust("the owner's content ID is \(contentID), not \(wanted)")
        }
        node.update { state, effects in
            state.manifest?.close(contentID: contentID)
            state.ownerTakesCompletion = true
            if state.phase == .complete, let owner = state.ownerLink {
                effects.wake(owner, if: owner.post(.complete(contentID: contentID)))
            }
            effects.wakesMain = true
        }
    }

    private func endOfTrust(_ text: String) -> ConnectionEnd {
        let failure = NodeFailure(.integrity, text)
        node.fail(failure)
        return .failed(failure)
    }
}
