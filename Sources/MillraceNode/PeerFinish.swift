import MillraceIO
import MillraceStore
import MillraceWire

extension PeerNode {
    /// Puts the file together, checks it and gives it its name; then tells the owner.
    func finish() {
        let (content, manifest) = state.withLock { ($0.content, $0.manifest) }
        guard let content, let manifest, let contentID = manifest.contentID else { return }
        do throws(StoreError) {
            if !content.folder.isAlreadyComplete { try content.folder.finish(manifest: manifest) { _ in } }
        } catch {
            return fail(NodeFailure(error))
        }
        let now = MonotonicClock.nowNanoseconds
        let stamp = content.folder.wholeFile.flatMap { FileStamp(of: $0) }
        update { state, effects in
            state.phase = .complete
            state.finishedStamp = stamp
            state.statistics.completed = now
            state.lastProgress = now
            if state.ownerTakesCompletion, let owner = state.ownerLink {
                effects.wake(owner, if: owner.post(.complete(contentID: contentID)))
            }
            effects.notice("\(content.folder.outputPath) is complete and verified, content ID \(contentID)")
            effects.wakesMain = true
        }
    }

    /// Verifies the chunks an earlier run left on disk, as their digests come from the owner, then lets the owner send.
    func verifyCandidates(_ content: PeerContent) {
        var hasher = SHA256Hasher()
        let buffer = content.pool.take()
        let bytes = buffer.bytes
        for run in content.folder.candidates.runs {
            for chunk in run {
                guard let digest = waitForDigest(of: chunk) else { return }
                let isGood = check(chunk, digest, content, &hasher, bytes)
                let now = MonotonicClock.nowNanoseconds
                update { state, effects in
                    guard isGood else {
                        return decide(&state, &effects) { $0.missingOnDisk(chunk, at: now, into: &$1) }
                    }
                    keep(chunk, from: .disk, byteCount: content.layout.byteCount(of: chunk), now, &state, &effects)
                }
            }
        }
        content.pool.give(buffer)
        let now = MonotonicClock.nowNanoseconds
        update { state, effects in
            state.isVerified = true
            decide(&state, &effects) { $0.startGrants(at: now, into: &$1) }
            effects.wakesMain = true
        }
    }

    private func check(
        _ chunk: ChunkID, _ digest: Digest, _ content: PeerContent, _ hasher: inout SHA256Hasher,
        _ buffer: UnsafeMutableRawBufferPointer
    ) -> Bool {
        guard let count = try? content.folder.store.read(chunk, into: buffer),
            count == Int(content.layout.byteCount(of: chunk))
        else { return false }
        hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        return hasher.digest() == digest
    }

    /// Waits until the owner has sent the digest; nil when the node is leaving.
    private func waitForDigest(of chunk: ChunkID) -> Digest? {
        while true {
            let (digest, isLeaving) = state.withLock { ($0.manifest?.digest(of: chunk), $0.phase == .leaving) }
            if let digest { return digest }
            if isLeaving { return nil }
            let until = MonotonicClock.nowNanoseconds + NodeLimits.firstRetryNanoseconds
            _ = try? WaitPoint.wait(
                socket: -1, forReading: false, forWriting: false, wake: nil, untilNanoseconds: until)
        }
    }
}
