import MillraceIO
import MillraceWire

/// Where chunks are kept. Every method may be called from many threads at once.
public protocol ChunkStore: AnyObject, Sendable {
    var layout: ChunkLayout { get }

    /// Where the chunk's bytes are, for a transport to send.
    func payload(of chunk: ChunkID) -> FilePayload

    /// Keeps a whole chunk that was verified.
    func write(_ chunk: ChunkID, _ bytes: UnsafeRawBufferPointer) throws(StoreError)

    /// Reads a chunk into the front of the buffer, which must hold it. Returns the bytes there were: fewer than the
    /// chunk has when it is not wholly there.
    func read(_ chunk: ChunkID, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int
}

/// The owner's file as a store of its own chunks: nothing is ever written.
public final class OfferedFileStore: ChunkStore {
    public let layout: ChunkLayout
    private let file: OfferedFile

    public init(_ file: OfferedFile, layout: ChunkLayout) {
        self.file = file
        self.layout = layout
    }

    public func payload(of chunk: ChunkID) -> FilePayload {
        FilePayload(
            place: .descriptor(file.descriptor), offset: layout.offset(of: chunk),
            byteCount: Int(layout.byteCount(of: chunk)))
    }

    public func write(_ chunk: ChunkID, _ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        preconditionFailure("the owner's file is never written")
    }

    public func read(_ chunk: ChunkID, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        try storing(at: file.path) { () throws(SystemError) in
            try System.read(
                file.descriptor, at: layout.offset(of: chunk), into: buffer.chunk(chunk, of: layout), file.path)
        }
    }
}

extension UnsafeMutableRawBufferPointer {
    /// The front of the buffer, as long as the chunk.
    func chunk(_ chunk: ChunkID, of layout: ChunkLayout) -> UnsafeMutableRawBufferPointer {
        let byteCount = Int(layout.byteCount(of: chunk))
        precondition(count >= byteCount, "a buffer of \(count) bytes for a chunk of \(byteCount)")
        return UnsafeMutableRawBufferPointer(rebasing: self[..<byteCount])
    }
}
