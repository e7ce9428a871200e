import MillraceIO
import MillraceStore
import MillraceWire

extension ContentID {
    /// Reads a file from its start to its end and computes its content ID for chunks of this size.
    public static func compute(path: String, chunkByteCount: UInt32) throws(NodeFailure) -> Digest {
        do throws(StoreError) {
            let file = try OfferedFile(path: path)
            let layout = try file.layout(chunkByteCount: chunkByteCount)
            var manifest = Manifest(layout: layout)
            var hasher = SHA256Hasher()
            let size = Int(chunkByteCount)
            let buffer = BufferPool(byteCount: 2 * size, keep: 0).take()
            func read(_ chunk: ChunkID, at start: Int) throws(StoreError) -> UnsafeRawBufferPointer {
                let end = start + Int(layout.byteCount(of: chunk))
                let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[start..<end])
                try file.read(offset: layout.offset(of: chunk), into: bytes)
                return UnsafeRawBufferPointer(bytes)
            }
            for chunk in stride(from: 0, to: layout.chunkCount, by: 2) {
                var digests: [Digest] = []
                let first = try read(chunk, at: 0)
                if chunk + 1 < layout.chunkCount {
                    let pair = hasher.digests(first, try read(chunk + 1, at: size))
                    digests = [pair.first, pair.second]
                } else {
                    hasher.update(first)
                    digests = [hasher.digest()]
                }
                manifest.append(chunks: digests) { hasher.join($0, $1) }
            }
            return compute(manifest)
        } catch {
            throw NodeFailure(error)
        }
    }
}
