import MillraceIO
import MillraceWire

/// A peer's folder: its lock, its summary, its chunks, and the way to the finished file.
public final class PeerFolder: Sendable {
    public let store: any ChunkStore
    /// Chunks that seem to be on disk from an earlier run; their digests are not checked yet.
    public let candidates: ChunkSet
    public let outputPath: String
    /// An earlier run finished this very file and nobody took it away. It is what is verified, listed and served; one
    /// that turns out to be another by now is never written to, since somebody may want it so (`outputChanged`).
    public let isAlreadyComplete: Bool
    let folder: NodeFolder

    private init(_ folder: consuming NodeFolder, _ opened: Opened, outputPath: String, isAlreadyComplete: Bool) {
        store = opened.store
        candidates = opened.candidates
        self.outputPath = outputPath
        self.isAlreadyComplete = isAlreadyComplete
        self.folder = folder
    }

    /// Opens or makes the folder and checks that the file can be finished in it. `output` nil means the file's name
    /// in the folder, `lock` the folder's lock where the caller has it.
    public static func open(
        path: String, kind: StoreKind, name: String, layout: ChunkLayout, output: String?, lock: FolderLock? = nil
    ) throws(StoreError) -> PeerFolder {
        let outputPath: String
        if let output { outputPath = output } else { outputPath = path + "/" + (try OutputName.check(name)) }
        let folder = try NodeFolder.open(path: path, name: name, layout: layout, lock: lock)
        let isComplete = try isAlreadyComplete(outputPath, folder.earlier, layout)
        let opened = try Opened(
            path: path, kind: kind, layout: layout, outputPath: outputPath, isComplete: isComplete,
            listed: folder.earlier?.chunks)
        return PeerFolder(folder, opened, outputPath: outputPath, isAlreadyComplete: isComplete)
    }

    public var summary: SummaryFile { folder.summary }

    /// What to say when a chunk of the finished file is not what was fetched.
    public var outputChanged: StoreError { .outputChanged(outputPath) }

    var partPath: String { outputPath + OutputName.partSuffix }

    /// Takes away what a run has made that stored nothing, so that another file can be fetched here. Where an earlier
    /// run left chunks, all stays.
    public func discard() {
        guard !isAlreadyComplete, candidates.isEmpty, (try? growing?.hasItsName) == true else { return }
        try? System.remove(partPath)
        try? System.remove(summary.path)
    }

    private static func isAlreadyComplete(
        _ outputPath: String, _ earlier: SummaryContents?, _ layout: ChunkLayout
    ) throws(StoreError) -> Bool {
        guard try storing(at: outputPath, { () throws(SystemError) in try System.exists(outputPath) }) else {
            return false
        }
        let status = try storing(at: outputPath) { () throws(SystemError) in try System.status(ofPath: outputPath) }
        guard let earlier, earlier.chunks.isFull, earlier.contentID != nil, let status, status.isRegular,
            status.byteCount == layout.fileByteCount
        else { throw .outputExists(outputPath) }
        return true
    }
}

/// A peer's store and what is in it already.
private struct Opened {
    let store: any ChunkStore
    let candidates: ChunkSet

    /// - Parameter listed: the chunks that an earlier run's summary lists; nil where there is none.
    init(
        path: String, kind: StoreKind, layout: ChunkLayout, outputPath: String, isComplete: Bool, listed: ChunkSet?
    ) throws(StoreError) {
        let partPath = outputPath + OutputName.partSuffix
        guard !isComplete else {
            try Opened.removeSecondName(partPath, of: outputPath)
            store = try FlatFileStore(finished: outputPath, layout: layout)
            candidates = ChunkSet.all(of: layout.chunkCount)
            return
        }
        if kind == .chunks {
            let store = try ChunkFolderStore(folder: path, layout: layout)
            candidates = try store.candidates()
            try Opened.checkChunkSpace(path, layout, candidates, outputPath: outputPath)
            let output = try FlatFileStore(path: partPath, layout: layout)
            self.store = try AssemblingStore(chunks: store, output: output)
            return
        }
        let there = try storing(at: partPath) { () throws(SystemError) in
            try System.status(ofPath: partPath)?.allocatedByteCount ?? 0
        }
        try NodeFolder.checkSpace(
            at: Path.folder(of: outputPath), neededByteCount: layout.fileByteCount.saturatingSubtract(there),
            splits: false)
        let store = try FlatFileStore(path: partPath, layout: layout)
        var found = try store.candidates()
        // File systems that keep zeros as holes (ZFS) do not tell all that was written.
        if store.isResumed, let listed { found.formUnion(listed) }
        (self.store, candidates) = (store, found)
    }

    /// Where a rename is a link and an unlink, a run that was killed in between left both names.
    private static func removeSecondName(_ partPath: String, of outputPath: String) throws(StoreError) {
        try storing(at: partPath) { () throws(SystemError) in
            guard let part = try System.status(ofPath: partPath), part.hasOtherNames,
                try part.isSameFile(as: System.status(ofPath: outputPath))
            else { return }
            try System.remove(partPath)
        }
    }

    /// Chunk files and the finished file side by side, on one file system or on two.
    private static func checkChunkSpace(
        _ path: String, _ layout: ChunkLayout, _ found: ChunkSet, outputPath: String
    ) throws(StoreError) {
        let chunkNeed = NodeFolder.chunkFileByteCount(layout, without: found)
        let outputFolder = Path.folder(of: outputPath)
        let (isOne, there) = try storing(at: outputFolder) { () throws(SystemError) in
            let there = try System.status(ofPath: outputPath + OutputName.partSuffix)?.allocatedByteCount ?? 0
            return (
                try System.status(ofPath: path)?.device == System.status(ofPath: outputFolder)?.device, there
            )
        }
        let outputNeed = layout.fileByteCount.saturatingSubtract(there)
        if isOne {
            return try NodeFolder.checkSpace(at: path, neededByteCount: chunkNeed + outputNeed, splits: true)
        }
        try NodeFolder.checkSpace(at: path, neededByteCount: chunkNeed, splits: true)
        try NodeFolder.checkSpace(at: outputFolder, neededByteCount: outputNeed, splits: false)
    }
}

extension UInt64 {
    func saturatingSubtract(_ other: UInt64) -> UInt64 { self > other ? self - other : 0 }
}
