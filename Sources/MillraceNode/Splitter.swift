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
        let size = Int(layout.chunkByteCount)
        let pairs = size <= WholeChunks.pairedByteCount
        let buffer = BufferPool(byteCount: pairs ? 2 * size : size, keep: 0).take()
        var batch: [Digest] = []
        var first: ChunkID = 0
        var next: ChunkID = 0
        while next < layout.chunkCount {
            guard !node.isLeaving else { return }
            let one = try read(next, into: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<size]))
            // The first chunk goes out as soon as it can; then two are hashed at a time.
            if next == 0 || next + 1 == layout.chunkCount || !pairs {
                hasher.update(one)
                batch.append(hasher.digest())
                try node.folder.add(next, one)
                next += 1
            } else {
                let other = try read(next + 1, into: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[size...]))
                let digests = hasher.digests(one, other)
                batch += [digests.first, digests.second]
                try node.folder.add(next, one)
                try node.folder.add(next + 1, other)
                next += 2
            }
            guard next < 4 || batch.count >= NodeLimits.hashedBatchCount || next == layout.chunkCount else { continue }
            try node.folder.summary.append([first..<next])
            publish(first, batch)
            batch.removeAll(keepingCapacity: true)
            first = next
        }
    }

    /// Reads a whole chunk into the front of the buffer.
    private func read(
        _ chunk: ChunkID, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> UnsafeRawBufferPointer {
        let layout = node.layout
        let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(layout.byteCount(of: chunk))])
        try node.file.read(offset: layout.offset(of: chunk), into: bytes)
        return UnsafeRawBufferPointer(bytes)
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
