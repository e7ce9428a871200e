/// The limits of the HTTP side, each with its reason: it is there for people to look in, and must never take from the
/// swarm what the swarm needs.
enum HTTPLimits {
    /// Connections at a time: a thread each. Enough for some browsers and parallel downloads.
    static let connectionCount = 64
    /// Connections from one address, so that one client can't keep all others out.
    static let connectionCountPerHost = 32
    /// A request line and its headers. Browsers stay below 8 KiB.
    static let headByteCount = 16 * 1024
    static let headerCount = 100
    /// The path and query of a request. Percent-encoded, the longest file name takes 765 bytes.
    static let targetByteCount = 2048
    /// What the end of a connection may take.
    static let closeNanoseconds: UInt64 = 1_000_000_000
    /// What answers under way have left when the node's run is over.
    static let drainNanoseconds: UInt64 = 2_000_000_000
    /// Ranges in one request; whoever asks for more gets the whole file (RFC 9110, section 14.2).
    static let rangeCount = 16
    /// Pieces of the file given to the transport at a time, and the bytes of each: between them the node is told that
    /// it is in use, and a server that ends is heard.
    static let pieceCount = 4
    static let pieceByteCount: UInt64 = 256 * 1024
    /// What a socket holds unsent: it takes more once half of that has left. With the megabytes that the kernel allows,
    /// and of which a third must leave, a steady but slow reader looks as if it took nothing.
    static let unsentByteCount = 256 * 1024
    /// A status is made anew at most this often, however many look.
    static let statusNanoseconds: UInt64 = 250_000_000
    /// Cells of a chunk map: of this node, and of each member.
    static let ownMapCellCount = 1024
    static let memberMapCellCount = 256
    /// Retry-After of a range that is not there yet, in seconds.
    static let retryAfterSeconds = 1...60
    static let threadStackByteCount = 512 * 1024
}

/// How long a client may take for what is its turn.
struct HTTPPatience: Sendable {
    /// A request must be whole this long after its first byte.
    var requestNanoseconds: UInt64 = 10_000_000_000
    /// A connection may be idle for so long.
    var idleNanoseconds: UInt64 = 15_000_000_000
    /// A reader that takes nothing for this long is gone.
    var stallNanoseconds: UInt64 = 30_000_000_000
}
