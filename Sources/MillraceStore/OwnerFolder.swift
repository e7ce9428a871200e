import MillraceIO
import MillraceWire

/// The owner's folder: its lock, its summary and, where the file is split, its chunk files.
public final class OwnerFolder: Sendable {
    public let store: any ChunkStore
    /// Chunk files of the right length that an earlier run made; their digests are not checked yet.
    public let candidates: ChunkSet
    private let file: OfferedFile
    private let chunkFiles: ChunkFolderStore?
    private let folder: NodeFolder
    /// The folder has been used for this file before.
    public var isResumed: Bool { folder.earlier != nil || (chunkFiles != nil && !candidates.isEmpty) }
    /// The content ID that an earlier run came to; nil where none hashed the whole file.
    public var earlierContentID: Digest? { folder.earlier?.contentID }

    private init(
        _ folder: consuming NodeFolder, _ file: OfferedFile, _ chunkFiles: ChunkFolderStore?, _ candidates: ChunkSet
    ) {
        store = chunkFiles ?? OfferedFileStore(file, layout: folder.summary.layout)
        self.candidates = candidates
        self.file = file
        self.chunkFiles = chunkFiles
        self.folder = folder
    }

    /// Opens or makes the folder. Throws `noSpace` when the chunk files would not fit: those that share the blocks of
    /// the file always do.
    public static func open(
        path: String, kind: StoreKind, file: OfferedFile, layout: ChunkLayout
    ) throws(StoreError) -> OwnerFolder {
        let folder = try NodeFolder.open(path: path, name: file.name, layout: layout, source: file)
        guard kind == .chunks else {
            return OwnerFolder(folder, file, nil, ChunkSet.all(of: layout.chunkCount))
        }
        let chunkFiles = try ChunkFolderStore(folder: path, layout: layout)
        let candidates = try chunkFiles.candidates()
        do throws(StoreError) {
            try NodeFolder.checkSpace(
                at: path, neededByteCount: NodeFolder.chunkFileByteCount(layout, without: candidates), splits: true)
        } catch {
            guard case .noSpace = error, chunkFiles.canShareBlocks(of: file) else { throw error }
        }
        return OwnerFolder(folder, file, chunkFiles, candidates)
    }

    public var summary: SummaryFile { folder.summary }

    /// Makes the chunk's file if chunks have files, unless an earlier run made it and its bytes are the same.
    ///
    /// - Parameters:
    ///   - bytes: those of the chunk, just read.
    ///   - scratch: memory for a chunk, to compare with.
    public func add(
        _ chunk: ChunkID, _ bytes: UnsafeRawBufferPointer, comparingIn scratch: UnsafeMutableRawBufferPointer
    ) throws(StoreError) {
        guard let chunkFiles else { return }
        if candidates.contains(chunk), let byteCount = try? chunkFiles.read(chunk, into: scratch),
            scratch.begins(with: bytes, byteCount: byteCount)
        {
            return
        }
        try chunkFiles.split(from: file, chunk: chunk, bytes: bytes)
    }

    /// Throws `sourceReplaced` when the file, whole, is not what an earlier run hashed.
    public func check(_ contentID: Digest) throws(StoreError) {
        guard let earlier = earlierContentID, earlier != contentID else { return }
        throw .sourceReplaced(path: file.path, folder: folder.path, difference: "content")
    }
}
