import MillraceIO
import MillraceWire

/// What owner and peer folders share: the lock, the summary and the look at the free space.
struct NodeFolder: ~Copyable, Sendable {
    let path: String
    let summary: SummaryFile
    /// What an earlier run's summary said.
    let earlier: SummaryContents?
    private let lock: Descriptor

    private init(path: String, summary: SummaryFile, earlier: SummaryContents?, lock: consuming Descriptor) {
        self.path = path
        self.summary = summary
        self.earlier = earlier
        self.lock = lock
    }

    /// Makes the folder, locks it against other processes and refuses one that belongs to another file.
    static func open(path: String, name: String, layout: ChunkLayout) throws(StoreError) -> NodeFolder {
        let lock = try storing(at: path) { () throws(SystemError) in
            try System.makeFolders(path)
            return try System.open(path + "/lock", [.readWrite, .create])
        }
        let descriptor = lock.rawValue
        guard try storing(at: path, { () throws(SystemError) in try System.lock(descriptor, path) }) else {
            throw .foreignFolder(path: path, holds: "the files of a millrace that is running")
        }
        let earlier = SummaryFile.read(path + "/summary.txt")
        if let earlier, earlier.name != name || earlier.layout != layout {
            throw .foreignFolder(path: path, holds: NodeFolder.described(earlier))
        }
        let summary = try SummaryFile(path: path + "/summary.txt", name: name, layout: layout)
        return NodeFolder(path: path, summary: summary, earlier: earlier, lock: lock)
    }

    private static func described(_ contents: SummaryContents) -> String {
        let layout = contents.layout
        return
            "\(EscapedName.escape(contents.name)), \(layout.fileByteCount) bytes in chunks of \(layout.chunkByteCount)"
    }

    /// Throws `noSpace` when so many bytes do not fit on the file system of a path.
    static func checkSpace(at path: String, neededByteCount: UInt64) throws(StoreError) {
        let free = try storing(at: path) { () throws(SystemError) in try System.freeByteCount(at: path) }
        guard free < neededByteCount else { return }
        throw .noSpace(path: path, neededByteCount: neededByteCount, freeByteCount: free)
    }

    /// The disk space of chunks as files of their own, in whole blocks of 4 KiB.
    static func chunkFileByteCount(_ layout: ChunkLayout, without found: ChunkSet) -> UInt64 {
        let block: UInt64 = 4096
        let perChunk = (UInt64(layout.chunkByteCount) + block - 1) / block * block
        return perChunk * (UInt64(layout.chunkCount) - UInt64(found.count))
    }
}
