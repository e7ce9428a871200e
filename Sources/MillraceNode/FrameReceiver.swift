import MillraceIO
import MillraceWire

/// Takes bytes from a socket: control frames through a small buffer and the frame reader, chunk bytes straight into a
/// pooled buffer, hashed as they come, while they are in the cache.
struct FrameReceiver: ~Copyable {
    enum Event {
        case message(Message)
        /// Answer with `keep` or `discard` before the next event.
        case chunkBegins(FrameHeader)
        /// The chunk is whole, in `chunkBytes`; call `release` when done with it.
        case chunkKept(FrameHeader, isGenuine: Bool)
        case chunkDiscarded(FrameHeader)
    }

    private enum Chunk {
        case none
        case announced(FrameHeader)
        case keeping(FrameHeader, Digest, received: Int)
        case discarding(FrameHeader, left: Int)
    }

    /// What is read past the end of a chunk must be copied: the next header and a little more.
    private static let readAheadByteCount = 4096

    /// Large enough to be worth a wake-up, small enough to be hashed while the rest arrives.
    private static let pieceByteCount = 32 * 1024

    /// What the socket waits for now, in bytes.
    private var minimum = 1
    private let staging = BufferPool(byteCount: NodeLimits.stagingByteCount, keep: 0).take()
    private var stagingStart = 0
    private var stagingEnd = 0
    private var reader = FrameReader()
    private var chunk = Chunk.none
    private var pool: BufferPool?
    private var buffer: PooledBuffer?
    private var hasher = SHA256Hasher()
    private(set) var isClosed = false
    /// The last read took everything there was.
    private(set) var isDrained = false
    /// A hello has come.
    private(set) var isEstablished = false

    var chunkBytes: UnsafeRawBufferPointer {
        guard case .keeping(let header, _, _) = chunk, let base = chunkBase else { return .init(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: base[..<header.payloadByteCount])
    }

    /// One read from the socket; false if it would block. Everything read before must have been taken by `next`.
    mutating func fill(from socket: borrowing Socket) throws(SystemError) -> Bool {
        precondition(stagingStart == stagingEnd)
        stagingStart = 0
        stagingEnd = 0
        let transfer: Transfer
        var room = 0
        var asked = staging.bytes.count
        if case .keeping(let header, let digest, let received) = chunk, let base = chunkBase {
            let rest = UnsafeMutableRawBufferPointer(rebasing: base[received..<header.payloadByteCount])
            room = rest.count
            let next = UnsafeMutableRawBufferPointer(rebasing: staging.bytes[..<FrameReceiver.readAheadByteCount])
            transfer = try socket.receive(into: rest, then: next)
            asked = room + next.count
            if case .bytes(let count) = transfer {
                let taken = min(count, room)
                hasher.update(UnsafeRawBufferPointer(rebasing: rest[..<taken]))
                chunk = .keeping(header, digest, received: received + taken)
            }
        } else {
            transfer = try socket.receive(into: staging.bytes)
        }
        switch transfer {
        case .wouldBlock: return false
        case .closed:
            isClosed = true
            return true
        case .bytes(let count):
            stagingEnd = max(0, count - room)
            isDrained = count < asked
            return true
        }
    }

    /// Asks to be woken once for a good piece of the chunk that is arriving, or for any byte where none is.
    mutating func willWait(on socket: borrowing Socket) {
        var wanted = 1
        if case .keeping(let header, _, let received) = chunk {
            wanted = min(header.payloadByteCount - received, FrameReceiver.pieceByteCount)
        }
        guard wanted != minimum else { return }
        minimum = wanted
        socket.setReceiveMinimum(byteCount: wanted)
    }

    /// The next event in what has been read; nil when more must be read.
    mutating func next() throws(WireError) -> Event? {
        switch chunk {
        case .none: return try nextFrame()
        case .announced: preconditionFailure("a chunk was announced and neither kept nor discarded")
        case .keeping(let header, let digest, let received):
            return nextOfKept(header, digest, received)
        case .discarding(let header, let left):
            let step = min(left, stagingEnd - stagingStart)
            stagingStart += step
            chunk = .discarding(header, left: left - step)
            guard left == step else { return nil }
            chunk = .none
            return .chunkDiscarded(header)
        }
    }

    mutating func keep(expecting digest: Digest, in pool: BufferPool) {
        guard case .announced(let header) = chunk else { preconditionFailure("no chunk was announced") }
        precondition(pool.byteCount >= header.payloadByteCount, "the handler has checked the length")
        self.pool = pool
        buffer = pool.take()
        chunk = .keeping(header, digest, received: 0)
    }

    mutating func discard() {
        guard case .announced(let header) = chunk else { preconditionFailure("no chunk was announced") }
        chunk = .discarding(header, left: header.payloadByteCount)
    }

    /// Gives the buffer of a kept chunk back.
    mutating func release() {
        chunk = .none
        if let buffer = buffer.take() { pool?.give(buffer) }
    }

    private var chunkBase: UnsafeMutableRawBufferPointer? {
        switch buffer {
        case .some(let buffer): buffer.bytes
        case .none: nil
        }
    }

    private mutating func nextFrame() throws(WireError) -> Event? {
        guard stagingStart < stagingEnd else { return nil }
        var consumed = stagingStart
        let bytes = UnsafeRawBufferPointer(rebasing: staging.bytes[..<stagingEnd])
        let event = try reader.next(bytes.bytes, consumed: &consumed)
        stagingStart = consumed
        switch event {
        case .needMore: return nil
        case .message(let message):
            isEstablished = true
            return .message(message)
        case .chunkFollows(let header):
            chunk = .announced(header)
            return .chunkBegins(header)
        }
    }

    private mutating func nextOfKept(_ header: FrameHeader, _ digest: Digest, _ received: Int) -> Event? {
        var received = received
        let step = min(header.payloadByteCount - received, stagingEnd - stagingStart)
        if step > 0, let base = chunkBase {
            let piece = UnsafeRawBufferPointer(rebasing: staging.bytes[stagingStart..<(stagingStart + step)])
            UnsafeMutableRawBufferPointer(rebasing: base[received...]).copyMemory(from: piece)
            hasher.update(piece)
            stagingStart += step
            received += step
            chunk = .keeping(header, digest, received: received)
        }
        guard received == header.payloadByteCount else { return nil }
        return .chunkKept(header, isGenuine: hasher.digest() == digest)
    }
}
