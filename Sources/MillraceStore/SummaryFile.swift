import MillraceIO
import MillraceWire
import Synchronization

/// The list of the chunks a node holds, as text a person can read; appended while running, compacted at rest.
/// Only that of a finished file is fsynced: before, after a power cut, the chunks' digests tell what is there.
public final class SummaryFile: Sendable {
    public typealias Contents = SummaryContents

    private final class Target: Sendable {
        let file: Descriptor
        init(_ file: consuming Descriptor) { self.file = file }
    }

    /// A file longer than this was not written by us.
    private static let largestByteCount: UInt64 = 1 << 30

    public let path: String
    private let name: String
    let layout: ChunkLayout
    private let sourceTime: ModificationTime?
    private let target: Lock<Target>

    /// Goes on with the summary at the path if it is about the same file, else starts a new one in its place.
    ///
    /// What is there and can't be read as a summary may be somebody's own file: it keeps its bytes under another name.
    public init(
        path: String, name: String, layout: ChunkLayout, sourceTime: ModificationTime? = nil
    ) throws(StoreError) {
        self.path = path
        self.name = name
        self.layout = layout
        self.sourceTime = sourceTime
        let found = SummaryFile.read(path)
        if found?.name == name, found?.layout == layout, found?.sourceTime == sourceTime {
            target = Lock(try SummaryFile.opened(path))
            // A torn last line must not swallow the next one.
            try append("\n")
        } else {
            if found == nil { try SummaryFile.setAside(path) }
            let text = SummaryText.header(name: name, layout: layout, contentID: nil, sourceTime: sourceTime)
            target = Lock(try SummaryFile.written(text, path))
        }
    }

    /// What a summary says; nil where there is none or where its header is bad. Torn and bad lines are passed over.
    public static func read(_ path: String) -> Contents? {
        guard let file = try? System.open(path, [.readOnly, .nonBlocking]),
            let status = try? System.status(of: file.rawValue), status.isRegular,
            status.byteCount <= SummaryFile.largestByteCount
        else { return nil }
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.byteCount)) { buffer, count in
            count = (try? System.read(file.rawValue, at: 0, into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
        }
        return SummaryText.contents(of: bytes)
    }

    /// Adds runs of chunks.
    public func append(_ runs: [Range<ChunkID>]) throws(StoreError) {
        guard !runs.isEmpty else { return }
        try append(SummaryText.lines(runs))
    }

    /// Replaces the file by the shortest text that says the same. What other threads append meanwhile may be lost.
    ///
    /// - Parameter survives: a power cut leaves the new text.
    public func compact(_ chunks: ChunkSet, contentID: Digest?, survives: Bool = false) throws(StoreError) {
        let text =
            SummaryText.header(name: name, layout: layout, contentID: contentID, sourceTime: sourceTime)
            + SummaryText.lines(chunks.runs)
        let new = try SummaryFile.written(text, path, survives: survives)
        target.withLock { $0 = new }
    }

    private func append(_ text: String) throws(StoreError) {
        let target = target.withLock { $0 }
        try storing(at: path) { () throws(SystemError) in try SummaryFile.write(text, target, path) }
    }

    private static func setAside(_ path: String) throws(StoreError) {
        try storing(at: path) { () throws(SystemError) in
            guard let status = try System.status(ofPath: path), status.byteCount > 0 else { return }
            try SetAside.keep(path)
        }
    }

    private static func opened(_ path: String) throws(StoreError) -> Target {
        Target(try storing(at: path) { () throws(SystemError) in try System.open(path, [.writeOnly, .append]) })
    }

    private static func written(_ text: String, _ path: String, survives: Bool = false) throws(StoreError) -> Target {
        let unfinished = path + ".new"
        return try storing(at: path, neededByteCount: UInt64(text.utf8.count)) { () throws(SystemError) in
            let new = Target(try System.open(unfinished, [.writeOnly, .create, .truncate, .append]))
            try write(text, new, path)
            if survives { try System.synchronise(new.file.rawValue, path) }
            try System.rename(unfinished, to: path)
            if survives { try System.synchroniseFolder(Path.folder(of: path)) }
            return new
        }
    }

    private static func write(_ text: String, _ target: Target, _ path: String) throws(SystemError) {
        try System.append(target.file.rawValue, Array(text.utf8), path)
    }
}
