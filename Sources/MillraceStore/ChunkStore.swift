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

    /// Chunks that will be read soon, one after the other.
    func willRead(_ chunks: Range<ChunkID>)

    /// What was just read from an earlier run's chunk is right: it may be put wherever else the store wants it.
    func confirm(_ chunk: ChunkID, _ bytes: UnsafeRawBufferPointer) throws(StoreError)
}

extension ChunkStore {
    public func willRead(_ chunks: Range<ChunkID>) {}
    public func confirm(_ chunk: ChunkID, _ bytes: UnsafeRawBufferPointer) throws(StoreError) {}
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
    /// Whether the first `byteCount` bytes are these, no more and no fewer.
    func begins(with bytes: UnsafeRawBufferPointer, byteCount: Int) -> Bool {
        guard byteCount == bytes.count, byteCount <= count else { return false }
        return Memory.isEqual(UnsafeRawBufferPointer(rebasing: self[..<byteCount]), bytes)
    }

    /// The front of the buffer, as long as the chunk.
    func chunk(_ chunk: ChunkID, of layout: ChunkLayout) -> UnsafeMutableRawBufferPointer {
        let byteCount = Int(layout.byteCount(of: chunk))
        precondition(count >= byteCount, "a buffer of \(count) bytes for a chunk of \(byteCount)")
        return UnsafeMutableRawBufferPointer(rebasing: self[..<byteCount])
    }
}
