import MillraceIO
import MillraceWire

/// A peer's chunk files, with the finished file growing beside them: each verified chunk goes to both from the same
/// memory, while it is in the cache, so that nothing has to be read and hashed again at the end. What an earlier run
/// left is verified in the chunk files first, so that it can be passed on, and where it is in its place already then
/// there too (`checkPlaces`); what is wrong there is put right by `placeRest`.
final class AssemblingStore: ChunkStore {
    let layout: ChunkLayout
    private let chunks: ChunkFolderStore
    /// The growing file.
    let output: FlatFileStore
    private let placed: Lock<ChunkSet>
    /// What an earlier run seems to have put in its place.
    private let unchecked: ChunkSet
    private let places: Reverification

    /// - Parameter threadCount: the threads that will check what is in its place.
    init(chunks: ChunkFolderStore, output: FlatFileStore, threadCount: Int = 2) throws(StoreError) {
        layout = chunks.layout
        self.chunks = chunks
        self.output = output
        unchecked = try output.candidates()
        places = Reverification(output, candidates: unchecked, threadCount: threadCount)
        placed = Lock(ChunkSet(chunkCount: layout.chunkCount))
    }

    func payload(of chunk: ChunkID) -> FilePayload { chunks.payload(of: chunk) }

    func write(_ chunk: ChunkID, _ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        try chunks.write(chunk, bytes)
        try place(chunk, bytes)
    }

    func read(_ chunk: ChunkID, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        try chunks.read(chunk, into: buffer)
    }

    func willRead(_ chunks: Range<ChunkID>) { self.chunks.willRead(chunks) }

    /// A chunk file of an earlier run goes to its place in the growing file, unless one seems to be there.
    func confirm(_ chunk: ChunkID, _ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        guard !unchecked.contains(chunk), !placed.withLock({ $0.contains(chunk) }) else { return }
        try place(chunk, bytes)
    }

    /// Hashes what an earlier run left in its place, until all has been or `goesOn` returns false; in as many threads
    /// as call it.
    func checkPlaces(expected: (ChunkID) -> Digest?, goesOn: () -> Bool) throws(StoreError) {
        try places.work(expected: { _ in nil }) { piece, digests in
            let right = zip(piece, digests).filter { $1 != nil && $1 == expected($0) }
            placed.withLock { placed in
                for (chunk, _) in right { placed.insert(chunk) }
            }
            return goesOn()
        }
    }

    /// Reads each chunk file whose bytes are not in their place for sure, checks it, and writes it there. `progress` is
    /// told the bytes in place so far. Throws `notVerified` when a chunk file does not match its digest.
    func placeRest(_ manifest: Manifest, _ progress: (UInt64) -> Void) throws(StoreError) {
        let there = placed.withLock { $0 }
        let buffer = PooledBuffer(byteCount: Int(layout.chunkByteCount))
        var hasher = SHA256Hasher()
        var done: UInt64 = 0
        for chunk in 0..<layout.chunkCount {
            done += UInt64(layout.byteCount(of: chunk))
            guard !there.contains(chunk) else { continue }
            let byteCount = try chunks.read(chunk, into: buffer.bytes)
            let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<byteCount])
            hasher.update(bytes)
            guard Digest(hasher.finish().span.bytes) == manifest.digest(of: chunk),
                byteCount == Int(layout.byteCount(of: chunk))
            else { throw .notVerified(chunk) }
            try place(chunk, bytes)
            progress(done)
        }
    }

    private func place(_ chunk: ChunkID, _ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        try output.write(chunk, bytes)
        placed.withLock { _ = $0.insert(chunk) }
    }
}
