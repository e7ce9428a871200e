import MillraceIO
import MillraceWire

/// All chunks in one file, each at its place. The file keeps its descriptor when it is renamed.
public final class FlatFileStore: ChunkStore {
    public let layout: ChunkLayout
    private let path: String
    private let file: Descriptor
    /// It was there, and not empty, when it was opened.
    let isResumed: Bool
    /// The kernel lets one thread at a time write to a file and makes the others spin for it; here they sleep.
    private let writing = Lock(())

    /// Opens the file, or makes it, for this store alone, and reserves its whole length.
    ///
    /// One that is there must be empty or of this length, as those of earlier runs are (`foreignPart`).
    public init(path: String, layout: ChunkLayout) throws(StoreError) {
        let file = try storing(at: path) { () throws(SystemError) in try System.open(path, [.readWrite, .create]) }
        let byteCount = try FlatFileStore.lock(file.rawValue, path)
        (self.path, self.layout, isResumed) = (path, layout, byteCount > 0)
        self.file = file
        guard byteCount == 0 || byteCount == layout.fileByteCount else { throw .foreignPart(path) }
        try reserve(from: byteCount)
    }

    /// Opens a finished file to be read only.
    init(finished path: String, layout: ChunkLayout) throws(StoreError) {
        file = try storing(at: path) { () throws(SystemError) in try System.open(path, .readOnly) }
        (self.path, self.layout, isResumed) = (path, layout, true)
    }

    var descriptor: CInt { file.rawValue }

    /// Whether the path still leads to this very file.
    var hasItsName: Bool {
        get throws(StoreError) { try FlatFileStore.isNamed(descriptor, path) }
    }

    private static func isNamed(_ file: CInt, _ path: String) throws(StoreError) -> Bool {
        try storing(at: path) { () throws(SystemError) in
            try System.status(of: file, path).isSameFile(as: System.status(ofPath: path))
        }
    }

    /// Returns the file's length. What lost its name between being opened and locked is another node's finished file.
    private static func lock(_ file: CInt, _ path: String) throws(StoreError) -> UInt64 {
        let (isLocked, byteCount) = try storing(at: path) { () throws(SystemError) in
            (try System.lockWherePossible(file, path), try System.status(of: file, path).byteCount)
        }
        guard isLocked, try isNamed(file, path) else { throw .outputInUse(path) }
        return byteCount
    }

    private func reserve(from byteCount: UInt64) throws(StoreError) {
        try storing(at: path, neededByteCount: layout.fileByteCount) { () throws(SystemError) in
            if byteCount != layout.fileByteCount {
                try System.setLength(descriptor, byteCount: layout.fileByteCount, path)
            }
            try System.preallocate(descriptor, byteCount: layout.fileByteCount, path)
        }
    }

    public func payload(of chunk: ChunkID) -> FilePayload {
        FilePayload(
            place: .descriptor(descriptor), offset: layout.offset(of: chunk),
            byteCount: Int(layout.byteCount(of: chunk)))
    }

    public func write(_ chunk: ChunkID, _ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        precondition(bytes.count == Int(layout.byteCount(of: chunk)), "\(bytes.count) bytes for chunk \(chunk)")
        try storing(at: path, neededByteCount: UInt64(bytes.count)) { () throws(SystemError) in
            try writing.withLock { (_) throws(SystemError) in
                try System.write(descriptor, at: layout.offset(of: chunk), bytes, path)
            }
        }
    }

    public func read(_ chunk: ChunkID, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        try storing(at: path) { () throws(SystemError) in
            try System.read(descriptor, at: layout.offset(of: chunk), into: buffer.chunk(chunk, of: layout), path)
        }
    }

    public func willRead(_ chunks: Range<ChunkID>) {
        guard let last = chunks.last else { return }
        let start = layout.offset(of: chunks.lowerBound)
        let end = layout.offset(of: last) + UInt64(layout.byteCount(of: last))
        System.willRead(descriptor, at: start, byteCount: end - start)
    }

    /// The chunks of which no part is a hole: those an earlier run may have written.
    func candidates() throws(StoreError) -> ChunkSet {
        let regions = try storing(at: path) { () throws(SystemError) in
            try System.dataRegions(descriptor, byteCount: layout.fileByteCount, path)
        }
        var found = ChunkSet(chunkCount: layout.chunkCount)
        let size = UInt64(layout.chunkByteCount)
        for region in regions {
            let first = (region.lowerBound + size - 1) / size
            let end = region.upperBound == layout.fileByteCount ? UInt64(layout.chunkCount) : region.upperBound / size
            if first < end { found.insert(ChunkID(first)..<ChunkID(end)) }
        }
        return found
    }
}
