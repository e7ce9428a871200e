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
        var reader = PairReader(store)
        while let piece = takePiece() {
            var digests: [Digest?] = []
            for first in stride(from: piece.lowerBound, to: piece.upperBound, by: reader.chunkCount) {
                let chunks = first..<min(piece.upperBound, first + ChunkID(reader.chunkCount))
                for (chunk, digest) in zip(chunks, reader.digests(of: chunks)) {
                    if digest != nil, digest == expected(chunk) {
                        try store.confirm(chunk, reader.bytes(of: chunk, in: chunks))
                    }
                    digests.append(digest)
                }
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
}

/// Reads and hashes chunks two at a time, which costs little more than half of what one after the other does; large
/// ones one by one, so that memory stays small.
private struct PairReader: ~Copyable {
    let chunkCount: Int
    private let store: any ChunkStore
    private let first: PooledBuffer
    private let second: PooledBuffer
    private var hasher = SHA256Hasher()

    static let largestPairedByteCount: UInt64 = 1 << 20

    init(_ store: any ChunkStore) {
        self.store = store
        let byteCount = min(UInt64(store.layout.chunkByteCount), max(1, store.layout.fileByteCount))
        chunkCount = SHA256Hasher.gainsFromPairs && byteCount <= PairReader.largestPairedByteCount ? 2 : 1
        first = PooledBuffer(byteCount: Int(byteCount))
        second = PooledBuffer(byteCount: chunkCount == 2 ? Int(byteCount) : 0)
    }

    /// The digests of as many neighbouring chunks as it reads at a time, or fewer; nil for one that is not there whole.
    mutating func digests(of chunks: Range<ChunkID>) -> [Digest?] {
        let areThere = chunks.map { isRead($0, into: buffer(of: $0, in: chunks)) }
        if areThere == [true, true] {
            let pair = hasher.digests(
                bytes(of: chunks.lowerBound, in: chunks), bytes(of: chunks.lowerBound + 1, in: chunks))
            return [pair.first, pair.second]
        }
        var digests: [Digest?] = []
        for (chunk, isThere) in zip(chunks, areThere) {
            if isThere { hasher.update(bytes(of: chunk, in: chunks)) }
            digests.append(isThere ? hasher.digest() : nil)
        }
        return digests
    }

    /// What was read last of a chunk that was there.
    func bytes(of chunk: ChunkID, in chunks: Range<ChunkID>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(buffer(of: chunk, in: chunks).chunk(chunk, of: store.layout))
    }

    private func buffer(of chunk: ChunkID, in chunks: Range<ChunkID>) -> UnsafeMutableRawBufferPointer {
        chunk == chunks.lowerBound ? first.bytes : second.bytes
    }

    /// A chunk that can't be read is as good as not there: it will be fetched again.
    private func isRead(_ chunk: ChunkID, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
        (try? store.read(chunk, into: buffer)) == Int(store.layout.byteCount(of: chunk))
    }
}
