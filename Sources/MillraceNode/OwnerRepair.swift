import MillraceIO
import MillraceStore
import MillraceWire

extension OwnerNode {
    /// A chunk could not be read to be sent. Where the file was changed, that is the reason, and says what to do.
    func fail(reading chunk: ChunkID, _ fault: SendFault) {
        do throws(StoreError) {
            try file.checkUnchanged()
            fail(NodeFailure(.fileFault, "chunk \(chunk) of \(file.name) can't be read any more: \(fault)"))
        } catch {
            fail(NodeFailure(error))
        }
    }

    /// A peer left because a chunk did not match its digest: looks at those it was sent, and makes the files of damaged
    /// ones anew from the source. Without that the same bytes would go out again and again.
    func repair(_ chunks: [ChunkID]) {
        var hasher = SHA256Hasher()
        let buffer = PooledBuffer(byteCount: Int(layout.chunkByteCount))
        let scratch = PooledBuffer(byteCount: Int(layout.chunkByteCount))
        for chunk in chunks {
            guard let digest = state.withLock({ $0.manifest.digest(of: chunk) }) else { continue }
            let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<Int(layout.byteCount(of: chunk))])
            let count = (try? folder.store.read(chunk, into: bytes)) ?? 0
            hasher.update(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            guard hasher.digest() != digest else { continue }
            do throws(StoreError) {
                try file.read(offset: layout.offset(of: chunk), into: bytes)
                hasher.update(UnsafeRawBufferPointer(bytes))
                guard hasher.digest() == digest else { throw .sourceChanged(file.path) }
                try folder.add(chunk, UnsafeRawBufferPointer(bytes), comparingIn: scratch.bytes)
                log.notice("chunk \(chunk) was damaged on disk and is made anew from \(file.name)")
            } catch {
                return fail(NodeFailure(error))
            }
        }
    }
}
