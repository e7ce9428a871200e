import MillraceIO
import MillraceWire

/// The file that the owner offers, opened for reading. Knows when it changes under it.
public final class OfferedFile: Sendable {
    public let path: String
    /// The last component of the path.
    public let name: String
    public let byteCount: UInt64
    public let modificationTime: ModificationTime

    private let file: Descriptor

    /// Opens a regular file.
    public init(path: String) throws(StoreError) {
        // O_NONBLOCK: a pipe must be refused, not waited for.
        let file = try storing(at: path) { () throws(SystemError) in try System.open(path, [.readOnly, .nonBlocking]) }
        let status = try storing(at: path) { () throws(SystemError) in try System.status(of: file.rawValue, path) }
        guard status.isRegular else { throw .sourceNotAFile(path) }
        self.path = path
        name = Path.name(of: path)
        byteCount = status.byteCount
        modificationTime = ModificationTime(status)
        self.file = file
    }

    public var descriptor: CInt { file.rawValue }

    /// Fills the buffer from an offset in bytes. Throws `sourceChanged` when the file ends before.
    public func read(offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) {
        let count = try storing(at: path) { () throws(SystemError) in
            try System.read(descriptor, at: offset, into: buffer, path)
        }
        guard count == buffer.count else { throw .sourceChanged(path) }
    }

    /// How the file falls into chunks of this size. Throws `tooManyChunks` where it can't.
    public func layout(chunkByteCount: UInt32) throws(StoreError) -> ChunkLayout {
        do throws(ChunkLayout.LayoutError) {
            return try ChunkLayout(fileByteCount: byteCount, chunkByteCount: chunkByteCount)
        } catch {
            throw .tooManyChunks(path: path, chunkByteCount: chunkByteCount)
        }
    }

    /// Throws `sourceChanged` when the length or the modification time is another than at the start.
    public func checkUnchanged() throws(StoreError) {
        let status = try storing(at: path) { () throws(SystemError) in try System.status(of: descriptor, path) }
        guard status.byteCount == byteCount,
            ModificationTime(status) == modificationTime
        else { throw .sourceChanged(path) }
    }
}

/// When a file was changed last, as its file system says: seconds and nanoseconds since 1970.
public struct ModificationTime: Sendable, Equatable {
    public let seconds: Int64
    public let nanoseconds: Int64

    init(_ status: FileStatus) {
        (seconds, nanoseconds) = (status.modificationSeconds, status.modificationNanoseconds)
    }

    /// Reads the form of `description`; nil for anything else.
    init?(_ text: Substring) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].utf8.count == 9, let seconds = Int64(parts[0]),
            let nanoseconds = Int64(parts[1]), nanoseconds >= 0
        else { return nil }
        (self.seconds, self.nanoseconds) = (seconds, nanoseconds)
    }
}

extension ModificationTime: CustomStringConvertible {
    public var description: String {
        let digits = "\(nanoseconds)"
        return "\(seconds)." + String(repeating: "0", count: max(0, 9 - digits.utf8.count)) + digits
    }
}
