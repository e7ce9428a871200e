import MillraceIO
import MillraceWire

/// Takes bytes from a socket: control frames through a small buffer and the frame reader, chunk bytes straight into a
/// pooled buffer. Chunks are hashed in pairs where more than one has arrived, else each when it is whole.
struct FrameReceiver: ~Copyable {
    enum Event {
        case message(Message)
        /// Answer with `keep` or `discard` before the next event.
        case chunkBegins(FrameHeader)
        /// The chunk is whole, in `chunkBytes`; call `release` when done with it.
        case chunkKept(FrameHeader, isGenuine: Bool)
        case chunkDiscarded(FrameHeader)
    }

    private enum Held {
        case message(Message)
        case chunk(FrameHeader)

        /// Whether it has another meaning before this chunk than after it.
        func mustFollow(_ chunk: ChunkID) -> Bool {
            switch self {
            case .message(.goodbye): true
            case .message(.reject(let rejected, _)): rejected == chunk
            case .message: false
            case .chunk(let header): header.chunk == chunk
            }
        }
    }

    private enum Chunk {
        case none
        case announced(FrameHeader)
        case keeping(FrameHeader, Digest, received: Int)
        case discarding(FrameHeader, left: Int)
    }

    /// What is read past the end of a chunk, or where one may begin, must be copied: a header and a little more.
    private static let readAheadByteCount = 4096

    /// What the socket waits for now, in bytes.
    private var minimum = 1
    private let staging = BufferPool(byteCount: NodeLimits.stagingByteCount, keep: 0).take()
    private var stagingStart = 0
    private var stagingEnd = 0
    private var reader = FrameReader()
    private var chunk = Chunk.none
    /// A chunk has come by this connection: more will.
    private var takesChunks = false
    private var pool: BufferPool?
    private var buffer: PooledBuffer?
    private var whole = WholeChunks()
    /// Why the connection is lost, told once the chunks that came before are out.
    private var fault: SystemError?
    /// What must be told after the chunk that came before it, which waits for a second one.
    private var held: Held?
    private(set) var isClosed = false
    /// What the last read has taken.
    private(set) var lastReadByteCount = 0
    /// The last read took everything there was.
    private(set) var isDrained = false

    var chunkBytes: UnsafeRawBufferPointer { whole.firstBytes }

    /// One read from the socket; false if it would block and no chunk waits. Everything read before must have been
    /// taken by `next`. A chunk never waits for bytes that are not here yet.
    ///
    /// - Parameter limit: take no more bytes than this.
    mutating func fill(from socket: borrowing Socket, atMost limit: Int = .max) throws(SystemError) -> Bool {
        precondition(stagingStart == stagingEnd)
        stagingStart = 0
        stagingEnd = 0
        isDrained = false
        lastReadByteCount = 0
        if let fault { throw fault }
        do throws(SystemError) {
            switch try receive(from: socket, atMost: limit) {
            case .wouldBlock:
                isDrained = true
                return settle()
            case .closed: isClosed = !settle()
            case .bytes(let count): lastReadByteCount = count
            }
        } catch {
            guard settle() else { throw error }
            fault = error
        }
        return true
    }

    /// A chunk waits for a second one to be hashed with.
    var holdsChunk: Bool { whole.waits }

    /// Hashes the chunk that waits for a second one; false if none does.
    mutating func settle() -> Bool { whole.settle() }

    private mutating func receive(
        from socket: borrowing Socket, atMost limit: Int
    ) throws(SystemError) -> Transfer {
        guard case .keeping(let header, let digest, let received) = chunk, let base = chunkBase else {
            let room = takesChunks ? FrameReceiver.readAheadByteCount : staging.bytes.count
            let asked = min(room, max(1, limit))
            let transfer = try socket.receive(into: UnsafeMutableRawBufferPointer(rebasing: staging.bytes[..<asked]))
            if case .bytes(let count) = transfer {
                stagingEnd = count
                isDrained = count < asked
            }
            return transfer
        }
        let end = received + min(limit, header.payloadByteCount - received)
        let rest = UnsafeMutableRawBufferPointer(rebasing: base[received..<end])
        let ahead = min(FrameReceiver.readAheadByteCount, limit - rest.count)
        let next = UnsafeMutableRawBufferPointer(rebasing: staging.bytes[..<ahead])
        let transfer = try socket.receive(into: rest, then: next)
        if case .bytes(let count) = transfer {
            let taken = min(count, rest.count)
            whole.arrived(UnsafeRawBufferPointer(rebasing: rest[..<taken]))
            chunk = .keeping(header, digest, received: received + taken)
            stagingEnd = count - taken
            isDrained = count < rest.count + next.count
        }
        return transfer
    }

    /// Asks to be woken once for a good piece of the chunk that is arriving, or for any byte where none is.
    mutating func willWait(on socket: borrowing Socket) {
        var wanted = 1
        if case .keeping(let header, _, let received) = chunk {
            wanted = min(header.payloadByteCount - received, NodeLimits.receivePieceByteCount)
        }
        guard wanted != minimum else { return }
        minimum = wanted
        socket.setReceiveMinimum(byteCount: wanted)
    }

    /// The next event in what has been read; nil when more must be read.
    mutating func next() throws(WireError) -> Event? {
        if let verdict = whole.firstVerdict { return .chunkKept(verdict.header, isGenuine: verdict.isGenuine) }
        if let held = held.take() { return tell(held) }
        switch chunk {
        case .none: return try nextFrame()
        case .announced: preconditionFailure("a chunk was announced and neither kept nor discarded")
        case .keeping(let header, let digest, let received):
            return try nextOfKept(header, digest, received)
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
        takesChunks = true
        whole.begin(chunkByteCount: pool.byteCount)
        chunk = .keeping(header, digest, received: 0)
    }

    mutating func discard() {
        guard case .announced(let header) = chunk else { preconditionFailure("no chunk was announced") }
        chunk = .discarding(header, left: header.payloadByteCount)
    }

    /// Gives the buffer of a kept chunk back.
    mutating func release() {
        guard let buffer = whole.removeFirst() else { return }
        pool?.give(buffer)
    }

    /// Hands the buffer of a kept chunk over, in place of `release`.
    mutating func take() -> PooledBuffer? { whole.removeFirst() }

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
        let told: Held
        switch event {
        case .needMore: return nil
        case .message(let message): told = .message(message)
        case .chunkFollows(let header): told = .chunk(header)
        }
        guard whole.waitingChunk.map(told.mustFollow) ?? false, settle() else { return tell(told) }
        held = told
        return try next()
    }

    private mutating func tell(_ told: Held) -> Event {
        switch told {
        case .message(let message): return .message(message)
        case .chunk(let header):
            chunk = .announced(header)
            return .chunkBegins(header)
        }
    }

    private mutating func nextOfKept(
        _ header: FrameHeader, _ digest: Digest, _ received: Int
    ) throws(WireError) -> Event? {
        var received = received
        let step = min(header.payloadByteCount - received, stagingEnd - stagingStart)
        if step > 0, let base = chunkBase {
            let piece = UnsafeRawBufferPointer(rebasing: staging.bytes[stagingStart..<(stagingStart + step)])
            UnsafeMutableRawBufferPointer(rebasing: base[received...]).copyMemory(from: piece)
            whole.arrived(piece)
            stagingStart += step
            received += step
            chunk = .keeping(header, digest, received: received)
        }
        guard received == header.payloadByteCount, let buffer = buffer.take() else { return nil }
        chunk = .none
        whole.append(header, digest, buffer)
        return try next()
    }
}
