import MillraceIO
import MillraceWire

/// A peer's chunk files, with the finished file growing beside them: each verified chunk goes to both from the same
/// memory, while it is in the cache, so that nothing has to be read and hashed again at the end. What an earlier run
/// left in chunk files alone is put in its place by `placeRest`.
final class AssemblingStore: ChunkStore {
    let layout: ChunkLayout
    private let chunks: ChunkFolderStore
    private let output: FlatFileStore
    private let placed: Lock<ChunkSet>
    /// Memory to compare chunks with what is in their place.
    private let comparing: BufferPool

    init(chunks: ChunkFolderStore, output: FlatFileStore) {
        layout = chunks.layout
        self.chunks = chunks
        self.output = output
        comparing = BufferPool(
            byteCount: Int(min(UInt64(layout.chunkByteCount), max(1, layout.fileByteCount))), keep: 2)
        placed = Lock(ChunkSet(chunkCount: layout.chunkCount))
    }

    /// The growing file.
    var descriptor: CInt { output.descriptor }

    func payload(of chunk: ChunkID) -> FilePayload { chunks.payload(of: chunk) }

    func write(_ chunk: ChunkID, _ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        try chunks.write(chunk, bytes)
        try place(chunk, bytes)
    }

    func read(_ chunk: ChunkID, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        try chunks.read(chunk, into: buffer)
    }

    /// Chunk files and what is in their place: both will be read and compared.
    func willRead(_ chunks: Range<ChunkID>) {
        self.chunks.willRead(chunks)
        output.willRead(chunks)
    }

    /// A chunk file of an earlier run goes to its place in the growing file, unless it is there from that run.
    func confirm(_ chunk: ChunkID, _ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        guard !placed.withLock({ $0.contains(chunk) }) else { return }
        let buffer = comparing.take()
        let byteCount = try output.read(chunk, into: buffer.bytes)
        let isThere = buffer.bytes.begins(with: bytes, byteCount: byteCount)
        comparing.give(buffer)
        if isThere { placed.withLock { _ = $0.insert(chunk) } } else { try place(chunk, bytes) }
    }

    /// Reads each chunk file that was not written by this run, checks it, and writes it to its place. `progress` is
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
