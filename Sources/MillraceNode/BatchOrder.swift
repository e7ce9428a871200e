import MillraceIO
import MillraceWire

/// Batches of chunks, taken by several threads and published in the order of the chunks: the first two chunks alone,
/// which leave at once where each is a page, then as many together as others need not hear of one by one.
final class BatchOrder: Sendable {
    private struct State {
        var next: ChunkID = 0
        var published: ChunkID = 0
        var isPublishing = false
        /// By first chunk.
        var done: [ChunkID: (batch: Range<ChunkID>, digests: [Digest])] = [:]
    }

    private let chunkCount: UInt32
    private let state = Lock(State())

    init(chunkCount: UInt32) {
        self.chunkCount = chunkCount
    }

    /// The next batch to work on; nil when all are taken.
    func take() -> Range<ChunkID>? {
        state.withLock { state in
            guard state.next < chunkCount else { return nil }
            let first = state.next
            state.next = first < 2 ? first + 1 : min(chunkCount, first + NodeLimits.hashedBatchCount)
            return first..<state.next
        }
    }

    func done(_ batch: Range<ChunkID>, _ digests: [Digest]) {
        precondition(batch.count == digests.count, "\(digests.count) digests for \(batch.count) chunks")
        state.withLock { $0.done[batch.lowerBound] = (batch, digests) }
    }

    /// The batch that is to be published now; nil when it is not done yet, or another thread is publishing: that one
    /// looks again. Say `published` afterwards.
    func nextToPublish() -> (Range<ChunkID>, [Digest])? {
        state.withLock { state in
            guard !state.isPublishing, let next = state.done.removeValue(forKey: state.published) else { return nil }
            state.isPublishing = true
            state.published = next.batch.upperBound
            return next
        }
    }

    func published() {
        state.withLock { $0.isPublishing = false }
    }
}
