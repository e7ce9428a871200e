import MillraceIO
import MillraceStore
import MillraceWire

/// What a peer fetches and where it keeps it, known once the owner has welcomed it.
final class PeerContent: Sendable {
    let name: String
    let layout: ChunkLayout
    let folder: PeerFolder
    let pool: BufferPool

    init(welcome: WelcomeMessage, options: PeerOptions, lock: FolderLock) throws(StoreError) {
        // With an output the name is no file's here, but still told.
        guard options.output == nil || OutputName.isPrintable(welcome.name) else { throw .badSourceName(welcome.name) }
        name = welcome.name
        layout = welcome.layout
        folder = try PeerFolder.open(
            path: options.common.folder, kind: options.common.storeKind, name: name, layout: welcome.layout,
            output: options.output, lock: lock)
        pool = BufferPool(
            byteCount: Int(min(UInt64(layout.chunkByteCount), max(1, layout.fileByteCount))),
            keep: NodeLimits.pooledBufferCount)
    }
}
