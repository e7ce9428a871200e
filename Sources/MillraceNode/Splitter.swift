import MillraceIO
import MillraceStore
import MillraceWire

/// Reads the owner's file once, from its start, ahead of what is sent: hashes each chunk, keeps it, and lets it be
/// handed out, a page at a time. The first is ready within milliseconds, whatever the size of the file.
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
        var hasher = SHA256Hasher()
        let size = Int(min(UInt64(node.layout.chunkByteCount), max(1, node.layout.fileByteCount)))
        let buffer = PooledBuffer(byteCount: size <= WholeChunks.pairedByteCount ? 2 * size : size)
        let scratch = PooledBuffer(byteCount: size)
        while let batch = batches.take() {
            var digests: [Digest] = []
            var next = batch.lowerBound
            while next < batch.upperBound {
                guard !node.isLeaving else { return }
                let end = min(batch.upperBound, next + UInt32(buffer.bytes.count / size))
                let chunks = try read(next..<end, into: buffer.bytes)
                digests += hasher.digests(of: chunks)
                for (chunk, bytes) in zip(next..., chunks) {
                    try node.folder.add(chunk, bytes, comparingIn: scratch.bytes)
                }
                next = end
            }
            batches.done(batch, digests)
            while let (batch, digests) = batches.nextToPublish() {
                defer { batches.published() }
                try node.folder.summary.append([batch])
                publish(digests)
            }
        }
    }

    /// Reads one or two whole chunks to the places of whole ones in the buffer.
    private func read(
        _ chunks: Range<ChunkID>, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> [UnsafeRawBufferPointer] {
        let layout = node.layout
        var read: [UnsafeRawBufferPointer] = []
        var start = 0
        for chunk in chunks {
            let end = start + Int(layout.byteCount(of: chunk))
            let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[start..<end])
            try node.file.read(offset: layout.offset(of: chunk), into: bytes)
            read.append(UnsafeRawBufferPointer(bytes))
            start = end
        }
        return read
    }

    /// Chunks may be handed out once the page they belong to is whole.
    private func publish(_ digests: [Digest]) {
        let now = MonotonicClock.nowNanoseconds
        var hasher = SHA256Hasher()
        node.update { state, effects in
            state.lastProgress = now
            let covered = state.manifest.coveredChunkCount
            state.manifest.append(chunks: digests) { hasher.join($0, $1) }
            let more = covered..<state.manifest.coveredChunkCount
            guard !more.isEmpty else { return }
            node.coveredChunkCount.store(more.upperBound, ordering: .releasing)
            node.decide(&state, &effects, now: now) { policy, _ in policy.hashed(more) }
            node.wakeForNews(state, &effects)
        }
    }

    private func close() throws(StoreError) {
        let manifest = node.state.withLock { $0.manifest }
        guard manifest.hasAllDigests else { return }
        let contentID = ContentID.compute(manifest)
        if let wanted = node.options.common.contentID, wanted != contentID {
            let size = node.layout.chunkByteCount
            return node.fail(
                NodeFailure(
                    .integrity,
                    "\(node.file.name) in chunks of \(size) bytes has the content ID \(contentID), not \(wanted);"
                        + " give the right file, --chunk-size or --content"))
        }
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

extension SHA256Hasher {
    /// The digests of one whole chunk, or of two, which takes little longer.
    fileprivate mutating func digests(of chunks: [UnsafeRawBufferPointer]) -> [Digest] {
        if chunks.count == 2 {
            let (first, second) = digests(chunks[0], chunks[1])
            return [first, second]
        }
        return chunks.map { chunk in
            update(chunk)
            return digest()
        }
    }
}
