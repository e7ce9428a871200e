import MillraceIO
import MillraceStore
import MillraceSwarm
import MillraceWire

/// How a peer goes on where an earlier run ended.
extension PeerNode {
    /// How far the chunks of an earlier run have been verified; nil where there were none.
    public var verification: VerificationProgress? { state.withLock { $0.earlier?.progress } }

    /// Lets the owner send, once what an earlier run left has been verified.
    ///
    /// - Parameter verifies: there is something to verify, and nobody does it yet.
    func resume(verifies: Bool, now: UInt64) {
        if verifies, let content = state.withLock({ $0.content }) { return startVerifying(content) }
        update { state, effects in
            guard state.earlier?.isDone ?? true else { return }
            decide(&state, &effects) { $0.startGrants(at: now, into: &$1) }
        }
    }

    /// Keeps nothing of a file that was refused before a chunk of it was stored: the right one may have another size,
    /// and would be taken for a stranger to the folder.
    func discard() {
        let (content, storesNothing) = state.withLock { ($0.content, $0.journal.isEmpty) }
        if storesNothing { content?.folder.discard() }
    }

    private func startVerifying(_ content: PeerContent) {
        let count = NodeLimits.verifyThreadCount
        let work = Reverification(content.folder.store, candidates: content.folder.candidates, threadCount: count)
        log.notice("verifying \(content.folder.candidates.count) chunks that an earlier run left")
        do throws(SystemError) {
            for _ in 0..<count { _ = try WorkerThread.start(name: "verify") { self.verify(work, in: content.folder) } }
        } catch {
            fail(NodeFailure(network: error))
        }
    }

    /// The chunks first, since others wait for them; the file they are to become after that.
    private func verify(_ work: Reverification, in folder: PeerFolder) {
        threadCount.add(1, ordering: .relaxed)
        defer { threadCount.subtract(1, ordering: .releasing) }
        do throws(StoreError) {
            let expected: (ChunkID) -> Digest? = { chunk in self.state.withLock { $0.manifest?.digest(of: chunk) } }
            try work.work(expected: expected) { piece, digests in
                update { state, effects in
                    state.earlier?.hashed(piece, digests)
                    judgeEarlier(&state, &effects)
                    return state.goesOnVerifying
                }
            }
            try folder.checkPlaces(expected: expected) { state.withLock { $0.goesOnVerifying } }
        } catch {
            fail(NodeFailure(error))
        }
    }

    /// Books what has been hashed and has its digest by now: right, or to be fetched again.
    func judgeEarlier(_ state: inout PeerState, _ effects: inout PeerEffects) {
        guard let content = state.content, let manifest = state.manifest, var earlier = state.earlier.take() else {
            return
        }
        let wasDone = earlier.isDone
        let now = MonotonicClock.nowNanoseconds
        earlier.judge(by: manifest) { chunk, isGood in
            if isGood {
                keep(chunk, from: .disk, byteCount: content.layout.byteCount(of: chunk), now, &state, &effects)
            } else if content.folder.isAlreadyComplete {
                if state.failure == nil { state.failure = NodeFailure(content.folder.outputChanged) }
                effects.wakesMain = true
            } else {
                state.lastProgress = now
                decide(&state, &effects) { $0.missingOnDisk(chunk, at: now, into: &$1) }
            }
        }
        if !wasDone, let notice = earlier.notice(now: now) { effects.notice(notice) }
        let isDone = earlier.isDone
        state.earlier = earlier
        guard isDone, !wasDone else { return }
        decide(&state, &effects) { $0.startGrants(at: now, into: &$1) }
        effects.wakesMain = true
    }
}

extension PeerState {
    fileprivate var goesOnVerifying: Bool { phase != .leaving && failure == nil }
}
