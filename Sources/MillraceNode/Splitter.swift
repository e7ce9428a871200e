import MillraceIO
import MillraceStore
import MillraceWire

/// The thread that reads the owner's file once, from its start, ahead of what is sent: hashes each chunk, keeps it,
/// and lets it be handed out. The first chunk is ready at once, whatever the size of the file.
struct Splitter {
    let node: OwnerNode

    init(node: OwnerNode) {
        self.node = node
    }

    func run() {
        do throws(StoreError) {
            try split()
            try node.file.checkUnchanged()
            try close()
        } catch {
            node.fail(NodeFailure(error))
        }
    }

    private func split() throws(StoreError) {
        let layout = node.layout
        var hasher = SHA256Hasher()
        let pool = BufferPool(byteCount: Int(layout.chunkByteCount), keep: 1)
        let buffer = pool.take()
        var batch: [Digest] = []
        var first: ChunkID = 0
        for chunk in 0..<layout.chunkCount {
            guard !node.isLeaving else { return }
            let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<Int(layout.byteCount(of: chunk))])
            try node.file.read(offset: layout.offset(of: chunk), into: bytes)
            hasher.update(UnsafeRawBufferPointer(bytes))
            batch.append(hasher.digest())
            try node.folder.add(chunk, UnsafeRawBufferPointer(bytes))
            guard chunk < 2 || batch.count >= NodeLimits.hashedBatchCount || chunk + 1 == layout.chunkCount else {
                continue
            }
            try node.folder.summary.append([first..<(chunk + 1)])
            publish(first, batch)
            batch.removeAll(keepingCapacity: true)
            first = chunk + 1
        }
    }

    private func publish(_ first: ChunkID, _ digests: [Digest]) {
        let now = MonotonicClock.nowNanoseconds
        let range = first..<(first + UInt32(digests.count))
        node.update { state, effects in
            do throws(WireError) {
                try state.manifest.append(first: first, digests)
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
        try node.folder.summary.compact(.all(of: node.layout.chunkCount), contentID: contentID)
        node.update { state, effects in
            state.manifest.close(contentID: contentID)
            node.isManifestClosed.store(true, ordering: .releasing)
            node.wakeForNews(state, &effects)
            effects.notice("all \(node.layout.chunkCount) chunks hashed, content ID \(contentID)")
        }
    }
}
