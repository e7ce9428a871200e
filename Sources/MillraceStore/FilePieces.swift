import MillraceIO
import MillraceWire

extension ChunkStore {
    /// Where the bytes from an offset on lie, as far as one file has them: at most `byteCount` bytes, at least one.
    /// They must be bytes of the file; whether they are there yet is the caller's to know.
    public func piece(at offset: UInt64, atMost byteCount: UInt64) -> FilePayload {
        precondition(offset < layout.fileByteCount && byteCount > 0, "\(byteCount) bytes at \(offset)")
        let chunk = ChunkID(offset / UInt64(layout.chunkByteCount))
        var payload = payload(of: chunk)
        let skipped = offset - layout.offset(of: chunk)
        if case .descriptor = payload.place {
            payload.byteCount = Int(clamping: min(byteCount, layout.fileByteCount - offset))
        } else {
            payload.byteCount = Int(min(byteCount, UInt64(payload.byteCount) - skipped))
        }
        payload.offset += skipped
        return payload
    }
}

extension PeerFolder {
    /// The file as one piece, once it has its name; nil where only chunk files are open. The bytes may be read and
    /// their time looked at through it as long as the folder is there.
    public var wholeFile: CInt? { growing?.descriptor }
}

/// When a file was changed last, and how long it is.
public struct FileStamp: Sendable, Equatable {
    public let byteCount: UInt64
    public let seconds: Int64
    public let nanoseconds: Int64

    /// Nil when the descriptor tells nothing.
    public init?(of descriptor: CInt) {
        guard let status = try? System.status(of: descriptor) else { return nil }
        byteCount = status.byteCount
        seconds = status.modificationSeconds
        nanoseconds = status.modificationNanoseconds
    }
}
