import MillraceIO
import MillraceWire

/// Why a connection ended.
enum ConnectionEnd: Error {
    /// The other side closed, said goodbye, or was lost.
    case closed(String)
    case saidGoodbye(GoodbyeCode, String)
    /// The other side broke the protocol.
    case peerFault(WireError)
    /// This side has decided to end it.
    case ended(GoodbyeCode, String)
    /// The node can't go on.
    case failed(NodeFailure)
}

/// What a chunk that is about to arrive is for.
enum ChunkReception {
    /// Take it into a buffer of the pool, verify it against this digest and hand it over.
    case keep(Digest, BufferPool)
    /// Read past it.
    case discard
}

/// What the two sides of a conversation do differently; everything that is the same is in `Connection`.
protocol ConnectionHandler: AnyObject {
    /// Both sides have said who they are and what they want.
    var isIntroduced: Bool { get }
    /// The chunks of the file; 0 while nobody knows.
    var chunkCount: UInt32 { get }
    /// Chunks below this number may be sent: the other side has their digests.
    var coveredChunkCount: UInt32 { get }
    /// The connection is up: the first frames may be posted.
    func began(now: UInt64) throws(ConnectionEnd)
    func received(_ message: Message, now: UInt64) throws(ConnectionEnd)
    func willReceive(_ header: FrameHeader) throws(ConnectionEnd) -> ChunkReception
    /// A chunk that was kept is whole, and its digest is right or not. The bytes are valid during the call only.
    func received(
        _ header: FrameHeader, _ bytes: UnsafeRawBufferPointer, isGenuine: Bool, now: UInt64
    ) throws(ConnectionEnd)
    /// Whether this chunk, which is genuine, is taken over with its memory, to be stored by another thread.
    func writesBehind(_ header: FrameHeader) -> Bool
    /// Takes it over.
    func takesOver(_ header: FrameHeader, _ buffer: consuming PooledBuffer, now: UInt64)
    func discarded(_ header: FrameHeader, now: UInt64)
    /// How many times the usual the other side wants to be on its way to it.
    var roomTimes: Int { get }
    /// What proves a chunk that is to be sent: it goes before it. Nil where the other side needs no proof.
    func proof(of chunk: ChunkID) -> [Digest]?
    /// Where the chunk to send lies; nil if it is not there.
    func payload(of chunk: ChunkID) -> FilePayload?
    /// The chunk has been handed to the socket.
    func sent(_ order: Link.ChunkOrder, now: UInt64)
    /// A chunk that was to be sent can't be read.
    func unreadable(_ chunk: ChunkID, _ fault: SendFault)
    /// Posts news that are due (additions, digests), a frame or two; returns when the next are, nil if there are none
    /// to come.
    func postNews(now: UInt64) -> UInt64?
}

extension ConnectionHandler {
    var coveredChunkCount: UInt32 { .max }
    var roomTimes: Int { 1 }
    func proof(of chunk: ChunkID) -> [Digest]? { nil }
    func writesBehind(_ header: FrameHeader) -> Bool { false }

    func takesOver(_ header: FrameHeader, _ buffer: consuming PooledBuffer, now: UInt64) {
        preconditionFailure("who writes behind says how")
    }
}
