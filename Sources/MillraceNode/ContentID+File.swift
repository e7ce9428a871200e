import MillraceIO
import MillraceStore
import MillraceWire

extension ContentID {
    /// Reads a file from its start to its end and computes its content ID for chunks of this size.
    public static func compute(path: String, chunkByteCount: UInt32) throws(NodeFailure) -> Digest {
        do throws(StoreError) {
            let file = try OfferedFile(path: path)
            guard let layout = try? ChunkLayout(fileByteCount: file.byteCount, chunkByteCount: chunkByteCount) else {
                throw .badName("\(path) can't have chunks of \(chunkByteCount) bytes")
            }
            var manifest = Manifest(layout: layout)
            var hasher = SHA256Hasher()
            let buffer = BufferPool(byteCount: Int(chunkByteCount), keep: 0).take()
            for chunk in 0..<layout.chunkCount {
                let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<Int(layout.byteCount(of: chunk))])
                try file.read(offset: layout.offset(of: chunk), into: bytes)
                hasher.update(UnsafeRawBufferPointer(bytes))
                guard (try? manifest.append(first: chunk, [hasher.digest()])) != nil else {
                    preconditionFailure("digests come in order")
                }
            }
            return compute(manifest)
        } catch {
            throw NodeFailure(error)
        }
    }
}
