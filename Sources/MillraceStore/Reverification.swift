import MillraceIO
import MillraceWire
import Synchronization

/// Reads and hashes again the chunks that an earlier run left, in as many threads as call `work`: each takes the next
/// piece of neighbouring chunks, so that a disk sees long reads and nobody waits for anybody.
public final class Reverification: Sendable {
    /// A piece is at most so many chunks, so that what follows from one is short, and so many bytes.
    static let largestPieceCount = 256
    static let largestPieceByteCount: UInt64 = 4 << 20

    private let store: any ChunkStore
    private let pieces: [Range<ChunkID>]
    private let next = Atomic(0)
    private let readAhead: Int

    /// - Parameter threadCount: the threads that will work; the system is told to read twice as many pieces ahead,
    ///   which is what a disk needs to be busy with many small files.
    public init(_ store: any ChunkStore, candidates: ChunkSet, threadCount: Int) {
        self.store = store
        readAhead = 2 * threadCount
        let perPiece = Reverification.largestPieceByteCount / UInt64(store.layout.chunkByteCount)
        let step = max(1, min(Reverification.largestPieceCount, Int(perPiece)))
        pieces = candidates.runs.flatMap { run in
            stride(from: Int(run.lowerBound), to: Int(run.upperBound), by: step).map {
                ChunkID($0)..<min(run.upperBound, ChunkID($0 + step))
            }
        }
    }

    /// Hashes pieces until there are no more, or until `found` returns false. `found` gets a piece and the digest of
    /// each of its chunks, nil where a chunk can't be read or is not whole. What `expected` says about a chunk decides
    /// whether the store may put it in its other places at once; nil leaves that for later.
    ///
    /// Throws when the store can't write a chunk to its other places.
    public func work(
        expected: (ChunkID) -> Digest?, found: (Range<ChunkID>, [Digest?]) -> Bool
    ) throws(StoreError) {
        let layout = store.layout
        let buffer = PooledBuffer(byteCount: Int(min(UInt64(layout.chunkByteCount), max(1, layout.fileByteCount))))
        var hasher = SHA256Hasher()
        while let piece = takePiece() {
            var digests: [Digest?] = []
            for chunk in piece {
                guard let bytes = read(chunk, buffer.bytes) else {
                    digests.append(nil)
                    continue
                }
                hasher.update(bytes)
                let digest = hasher.digest()
                if digest == expected(chunk) { try store.confirm(chunk, bytes) }
                digests.append(digest)
            }
            guard found(piece, digests) else { return }
        }
    }

    private func takePiece() -> Range<ChunkID>? {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < pieces.count else { return nil }
        let ahead = index + readAhead
        if ahead < pieces.count { store.willRead(pieces[ahead]) }
        return pieces[index]
    }

    /// A chunk that can't be read is as good as not there: it will be fetched again.
    private func read(_ chunk: ChunkID, _ buffer: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let byteCount = try? store.read(chunk, into: buffer),
            byteCount == Int(store.layout.byteCount(of: chunk))
        else { return nil }
        return UnsafeRawBufferPointer(rebasing: buffer[..<byteCount])
    }
}
