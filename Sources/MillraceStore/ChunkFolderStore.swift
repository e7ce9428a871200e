import MillraceIO
import MillraceWire
import Synchronization

/// One file per chunk: `chunks/000000/000000123.chunk` in the node's folder, at most 1,000 files a numbered folder.
/// A chunk file has its name only when it is whole.
public final class ChunkFolderStore: ChunkStore {
    public let layout: ChunkLayout
    private let folder: String
    private let madeFolders = Lock<[UInt64]>([])
    private let serial = Atomic<UInt64>(0)
    private let canClone = Atomic(true)
    private let canBeUnnamed: Atomic<Bool>

    static let chunksPerFolder: ChunkID = 1000

    /// Makes `chunks` in a folder that is there.
    public convenience init(folder: String, layout: ChunkLayout) throws(StoreError) {
        try self.init(folder: folder, layout: layout, canBeUnnamed: true)
    }

    init(folder: String, layout: ChunkLayout, canBeUnnamed: Bool) throws(StoreError) {
        self.canBeUnnamed = Atomic(canBeUnnamed)
        self.folder = folder + "/chunks"
        self.layout = layout
        let path = self.folder
        try storing(at: path) { () throws(SystemError) in try System.makeFolder(path) }
        madeFolders.withLock {
            let folderCount = (Int(layout.chunkCount) + 999) / 1000
            $0 = Array(repeating: 0, count: (folderCount + 63) / 64)
        }
    }

    public func payload(of chunk: ChunkID) -> FilePayload {
        FilePayload(place: .path(path(of: chunk)), offset: 0, byteCount: Int(layout.byteCount(of: chunk)))
    }

    public func write(_ chunk: ChunkID, _ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        precondition(bytes.count == Int(layout.byteCount(of: chunk)), "\(bytes.count) bytes for chunk \(chunk)")
        try make(chunk) { (file, path) throws(SystemError) in try System.write(file, at: 0, bytes, path) }
    }

    /// Makes a chunk file of the owner's: its blocks are shared with the source where the file system can (ioctl
    /// FICLONERANGE), else the bytes are written. The first refusal is the last try.
    public func split(from source: OfferedFile, chunk: ChunkID, bytes: UnsafeRawBufferPointer) throws(StoreError) {
        let byteCount = UInt64(layout.byteCount(of: chunk))
        precondition(bytes.count == Int(byteCount), "\(bytes.count) bytes for chunk \(chunk)")
        try make(chunk) { (file, path) throws(SystemError) in
            if canClone.load(ordering: .relaxed) {
                let offset = layout.offset(of: chunk)
                if System.cloneRange(from: source.descriptor, at: offset, byteCount: byteCount, to: file) { return }
                canClone.store(false, ordering: .relaxed)
            }
            try System.write(file, at: 0, bytes, path)
        }
    }

    /// Whether chunk files can share the blocks of the source, and so need hardly any space: tried with the first chunk
    /// in a file that has no name and goes away.
    func canShareBlocks(of source: OfferedFile) -> Bool {
        guard layout.chunkCount > 0, let file = (try? System.openUnnamed(in: folder)) ?? nil else { return false }
        return System.cloneRange(
            from: source.descriptor, at: 0, byteCount: UInt64(layout.byteCount(of: 0)), to: file.rawValue)
    }

    public func read(_ chunk: ChunkID, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        let path = path(of: chunk)
        return try storing(at: path) { () throws(SystemError) in
            let file = try System.open(path, .readOnly)
            return try System.read(file.rawValue, at: 0, into: buffer.chunk(chunk, of: layout), path)
        }
    }

    /// Opens each file for a moment: what the system was told to read it goes on reading.
    public func willRead(_ chunks: Range<ChunkID>) {
        for chunk in chunks {
            guard let file = try? System.open(path(of: chunk), .readOnly) else { continue }
            System.willRead(file.rawValue, at: 0, byteCount: UInt64(layout.byteCount(of: chunk)))
        }
    }

    /// The chunks whose files have the right length. Clears away what a killed run left half written.
    func candidates() throws(StoreError) -> ChunkSet {
        var found = ChunkSet(chunkCount: layout.chunkCount)
        for name in try storing(at: folder, { () throws(SystemError) in try System.names(in: folder) }) {
            let path = folder + "/" + name
            try storing(at: path) { () throws(SystemError) in
                guard name.utf8.count == 6, try System.status(ofPath: path)?.isFolder == true else { return }
                for file in try System.names(in: path) { try consider(file, in: path, &found) }
            }
        }
        return found
    }

    private func consider(_ name: String, in folder: String, _ found: inout ChunkSet) throws(SystemError) {
        let path = folder + "/" + name
        if name.hasSuffix(ChunkFolderStore.unfinishedSuffix) { return try System.remove(path) }
        guard let chunk = ChunkID(name.prefix { $0 != "." }), layout.contains(chunk), self.path(of: chunk) == path
        else {
            return
        }
        guard let status = try System.status(ofPath: path), status.isRegular else { return }
        if status.byteCount == UInt64(layout.byteCount(of: chunk)) { found.insert(chunk) }
    }

    private static let unfinishedSuffix = ".unfinished"

    /// Fills a file without a name and then gives it one: on ext4 that costs less than a name that is changed.
    private func make(
        _ chunk: ChunkID, _ fill: (CInt, String) throws(SystemError) -> Void
    ) throws(StoreError) {
        let path = path(of: chunk)
        try storing(at: path, neededByteCount: UInt64(layout.byteCount(of: chunk))) { () throws(SystemError) in
            try makeFolder(of: chunk)
            if canBeUnnamed.load(ordering: .relaxed) {
                if let file = try System.openUnnamed(in: folderPath(of: chunk)) {
                    try fill(file.rawValue, path)
                    if try System.link(file.rawValue, to: path) { return }
                }
                canBeUnnamed.store(false, ordering: .relaxed)
            }
            try makeByRename(path, fill)
        }
    }

    private func makeByRename(_ path: String, _ fill: (CInt, String) throws(SystemError) -> Void) throws(SystemError) {
        let number = serial.add(1, ordering: .relaxed).newValue
        let unfinished = "\(path).\(number)\(ChunkFolderStore.unfinishedSuffix)"
        do throws(SystemError) {
            let file = try System.open(unfinished, [.readWrite, .create, .truncate])
            try fill(file.rawValue, path)
            try System.rename(unfinished, to: path)
        } catch {
            try? System.remove(unfinished)
            throw error
        }
    }

    private func makeFolder(of chunk: ChunkID) throws(SystemError) {
        let number = Int(chunk / ChunkFolderStore.chunksPerFolder)
        let bit: UInt64 = 1 << UInt64(number % 64)
        guard madeFolders.withLock({ $0[number / 64] & bit == 0 }) else { return }
        try System.makeFolder(folderPath(of: chunk))
        madeFolders.withLock { $0[number / 64] |= bit }
    }

    private func folderPath(of chunk: ChunkID) -> String {
        "\(folder)/\(ChunkFolderStore.digits(chunk / ChunkFolderStore.chunksPerFolder, width: 6))"
    }

    private func path(of chunk: ChunkID) -> String {
        "\(folderPath(of: chunk))/\(ChunkFolderStore.digits(chunk, width: 9)).chunk"
    }

    /// Decimal digits with zeros in front, made in one go: every chunk sent or written needs its path.
    private static func digits(_ number: UInt32, width: Int) -> String {
        String(unsafeUninitializedCapacity: width) { buffer in
            var rest = number
            for index in (0..<width).reversed() {
                buffer[index] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            return width
        }
    }
}
