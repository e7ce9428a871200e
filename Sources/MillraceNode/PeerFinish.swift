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
            // Whoever interrupts the node meanwhile sends it on its way, and it stays there.
            if state.phase == .assembling { state.phase = .complete }
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
}
