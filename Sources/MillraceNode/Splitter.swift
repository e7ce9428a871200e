import MillraceIO
import MillraceStore
import MillraceWire

/// Reads the owner's file once, from its start, ahead of what is sent: hashes each chunk, keeps it, and lets it be
/// handed out. The first chunk is ready at once, whatever the size of the file.
///
/// One thread is ahead of any network. An owner that goes on where an earlier run was has the chunks of that to read as
/// well, and whatever waits for them: there several threads split, each a batch of chunks at a time.
struct Splitter {
    let node: OwnerNode
    private let batches: BatchOrder

    init(node: OwnerNode) {
        self.node = node
        batches = BatchOrder(chunkCount: node.layout.chunkCount)
    }

    func run() {
        do throws(StoreError) {
            var helpers: [WorkerThread] = []
            for _ in 1..<max(1, node.folder.isResumed ? NodeLimits.verifyThreadCount : 1) {
                // Without the help of another thread it only takes longer.
                guard let helper = try? WorkerThread.start(name: "split", { splitOrFail() }) else { break }
                helpers.append(helper)
            }
            let isSplit = splitOrFail()
            for helper in helpers { helper.join() }
            guard isSplit else { return }
            try node.file.checkUnchanged()
            try close()
        } catch {
            node.fail(NodeFailure(error))
        }
    }

    @discardableResult
    private func splitOrFail() -> Bool {
        do throws(StoreError) {
            try split()
            return true
        } catch {
            node.fail(NodeFailure(error))
            return false
        }
    }

    private func split() throws(StoreError) {
        let layout = node.layout
        let byteCount = Int(min(UInt64(layout.chunkByteCount), max(1, layout.fileByteCount)))
        let buffer = PooledBuffer(byteCount: byteCount)
        let scratch = PooledBuffer(byteCount: byteCount)
        var hasher = SHA256Hasher()
        while let batch = batches.take() {
            var digests: [Digest] = []
            for chunk in batch {
                guard !node.isLeaving else { return }
                let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<Int(layout.byteCount(of: chunk))])
                try node.file.read(offset: layout.offset(of: chunk), into: bytes)
                hasher.update(UnsafeRawBufferPointer(bytes))
                digests.append(hasher.digest())
                try node.folder.add(chunk, UnsafeRawBufferPointer(bytes), comparingIn: scratch.bytes)
            }
            batches.done(batch, digests)
            while let (batch, digests) = batches.nextToPublish() {
                defer { batches.published() }
                try node.folder.summary.append([batch])
                publish(batch, digests)
            }
        }
    }

    private func publish(_ range: Range<ChunkID>, _ digests: [Digest]) {
        let now = MonotonicClock.nowNanoseconds
        node.update { state, effects in
            do throws(WireError) {
                try state.manifest.append(first: range.lowerBound, digests)
            } catch {
                preconditionFailure("digests come in order: \(error)")
            }
            node.digestCount.store(range.upperBound, ordering: .releasing)
            node.decide(&state, &effects, now: now) { policy, _ in policy.hashed(range) }
            node.wakeForNews(state, &effects)
        }
    }

    private func close() throws(StoreError) {
        let manifest = node.state.withLock { $0.manifest }
        guard manifest.hasAllDigests else { return }
        let contentID = ContentID.compute(manifest)
        try node.folder.check(contentID)
        try node.folder.summary.compact(.all(of: node.layout.chunkCount), contentID: contentID)
        node.update { state, effects in
            state.manifest.close(contentID: contentID)
            node.isManifestClosed.store(true, ordering: .releasing)
            node.wakeForNews(state, &effects)
            effects.notice("all \(node.layout.chunkCount) chunks hashed, content ID \(contentID)")
        }
    }
}
