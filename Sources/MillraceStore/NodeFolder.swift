import MillraceIO
import MillraceWire

/// What owner and peer folders share: the lock, the summary and the look at the free space.
struct NodeFolder: ~Copyable, Sendable {
    let path: String
    let summary: SummaryFile
    /// What an earlier run's summary said.
    let earlier: SummaryContents?
    private let lock: FolderLock

    private init(path: String, summary: SummaryFile, earlier: SummaryContents?, lock: FolderLock) {
        self.path = path
        self.summary = summary
        self.earlier = earlier
        self.lock = lock
    }

    /// What a node keeps in its folder besides a file.
    static let ownNames = ["lock", "identity.txt", "summary.txt", "summary.txt.new", "chunks"]

    /// Makes the folder, locks it against other processes and refuses one that belongs to another file, or to what
    /// the owner's file was before it changed.
    ///
    /// - Parameters:
    ///   - lock: the folder's lock where the caller has it already.
    ///   - source: the file that an owner offers; nil for a peer.
    static func open(
        path: String, name: String, layout: ChunkLayout, lock: FolderLock? = nil, source: OfferedFile? = nil
    ) throws(StoreError) -> NodeFolder {
        let lock = if let lock { lock } else { try FolderLock(path: path) }
        precondition(lock.path == path, "the lock of another folder")
        let earlier = SummaryFile.read(path + "/summary.txt")
        if let earlier {
            if let source { try check(earlier, isOf: source, layout, folder: path) }
            if earlier.name != name || earlier.layout != layout {
                throw .foreignFolder(path: path, holds: NodeFolder.described(earlier))
            }
        }
        let summary = try SummaryFile(
            path: path + "/summary.txt", name: name, layout: layout, sourceTime: source?.modificationTime)
        return NodeFolder(path: path, summary: summary, earlier: earlier, lock: lock)
    }

    /// A file of the same name that has another size or time is not what the folder was made from.
    private static func check(
        _ earlier: SummaryContents, isOf source: OfferedFile, _ layout: ChunkLayout, folder: String
    ) throws(StoreError) {
        guard earlier.name == source.name else { return }
        let hasOtherSize = earlier.layout.fileByteCount != source.byteCount
        let hasOtherTime = earlier.sourceTime.map { $0 != source.modificationTime } ?? false
        guard hasOtherSize || hasOtherTime else { return }
        throw .sourceReplaced(path: source.path, folder: folder, difference: hasOtherSize ? "size" : "time")
    }

    private static func described(_ contents: SummaryContents) -> String {
        let layout = contents.layout
        return
            "\(EscapedName.escape(contents.name)), \(layout.fileByteCount) bytes in chunks of \(layout.chunkByteCount)"
    }

    /// Throws `noSpace` when so many bytes do not fit on the file system of a path.
    ///
    /// - Parameter splits: chunk files are among them, which a flat store has not.
    static func checkSpace(at path: String, neededByteCount: UInt64, splits: Bool) throws(StoreError) {
        let free = try storing(at: path) { () throws(SystemError) in try System.freeByteCount(at: path) }
        guard free < neededByteCount else { return }
        throw .noSpace(path: path, neededByteCount: neededByteCount, freeByteCount: free, flatNeedsLess: splits)
    }

    /// The disk space of chunks as files of their own, in whole blocks of 4 KiB.
    static func chunkFileByteCount(_ layout: ChunkLayout, without found: ChunkSet) -> UInt64 {
        let block: UInt64 = 4096
        let perChunk = (UInt64(layout.chunkByteCount) + block - 1) / block * block
        return perChunk * (UInt64(layout.chunkCount) - UInt64(found.count))
    }
}
