import MillraceIO
import MillraceStore
import MillraceWire

/// The file of a node as others may read it: what is there, what of it is verified, and where its bytes lie.
public struct ServedFile: Sendable {
    public let name: String
    public let layout: ChunkLayout
    /// What the file is; nil until the owner has hashed all of it.
    public let contentID: Digest?
    /// The bytes that may be read.
    public let held: ChunkSet
    /// When the whole file was changed last, in seconds since 1970; nil for one that is not whole.
    public let modificationSeconds: Int64?
    private let bytes: Bytes

    /// Where the bytes come from. Keeps what holds the descriptors open.
    private enum Bytes: Sendable {
        case store(any ChunkStore)
        case file(CInt, owner: any AnyObject & Sendable)
    }

    /// All bytes may be read.
    public var isWhole: Bool { held.isFull }

    /// Whether all bytes of a range are verified. The range lies within the file.
    public func holds(_ range: Range<UInt64>) -> Bool {
        if isWhole || range.isEmpty { return true }
        let size = UInt64(layout.chunkByteCount)
        let chunks = ChunkID(range.lowerBound / size)...ChunkID((range.upperBound - 1) / size)
        return chunks.allSatisfy { held.contains($0) }
    }

    /// Where the bytes from an offset on lie, as far as one file has them: at most `byteCount` bytes, at least one.
    public func piece(at offset: UInt64, atMost byteCount: UInt64) -> FilePayload {
        switch bytes {
        case .store(let store): store.piece(at: offset, atMost: byteCount)
        case .file(let descriptor, _):
            FilePayload(place: .descriptor(descriptor), offset: offset, byteCount: Int(clamping: byteCount))
        }
    }
}

extension ServedFile {
    /// The owner's own file. Nil when it is no longer the file that was offered.
    init?(_ file: OfferedFile, layout: ChunkLayout, contentID: Digest?) {
        guard (try? file.checkUnchanged()) != nil else { return nil }
        self.init(
            name: file.name, layout: layout, contentID: contentID, held: .all(of: layout.chunkCount),
            modificationSeconds: file.modificationTime.seconds, bytes: .file(file.descriptor, owner: file))
    }

    /// What a peer has verified so far.
    init(_ content: PeerContent, contentID: Digest?, held: ChunkSet) {
        self.init(name: content.name, contentID: contentID, held: held, store: content.folder.store)
    }

    init(name: String, contentID: Digest?, held: ChunkSet, store: any ChunkStore) {
        self.init(
            name: name, layout: store.layout, contentID: contentID, held: held, modificationSeconds: nil,
            bytes: .store(store))
    }

    /// A peer's finished file. Nil when it is no longer what was finished.
    init?(_ content: PeerContent, contentID: Digest?, finished: FileStamp?) {
        guard let descriptor = content.folder.wholeFile else {
            self.init(content, contentID: contentID, held: .all(of: content.layout.chunkCount))
            return
        }
        guard let finished, FileStamp(of: descriptor) == finished else { return nil }
        self.init(
            name: content.name, layout: content.layout, contentID: contentID,
            held: .all(of: content.layout.chunkCount), modificationSeconds: finished.seconds,
            bytes: .file(descriptor, owner: content))
    }
}

/// Whether there is a file to read.
public enum FileAccess: Sendable {
    case file(ServedFile)
    /// No owner has said yet what the file is.
    case unknown
    /// The file on disk was changed by somebody: nothing of it can be vouched for.
    case changed
}

/// A node that can be asked how it does. Callable from any thread; costs the node nothing while nobody asks.
public protocol ObservableNode: AnyObject, Sendable {
    var status: NodeStatus { get }
    var fileAccess: FileAccess { get }
    /// How the node sends file bytes.
    var sendsBy: TransportKind { get }
    /// What the node may send in a second, whomever to.
    var rates: NodeRates { get }
    /// The node's log, for lines about whoever looks on.
    func tell(_ text: String)
    /// Somebody was served who is no peer: the node is in use, and does not end for want of progress.
    func noteServed()
}
