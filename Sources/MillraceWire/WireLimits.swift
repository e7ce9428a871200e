/// The number of one chunk, counted from 0.
public typealias ChunkID = UInt32

/// The number the owner gave a peer when it joined; never used again for another peer of the same swarm.
public typealias PeerIndex = UInt32

/// Every number that two implementations must agree on, each with its reason (PROTOCOL.md, section "Limits").
public enum WireLimits {
    /// The first eight bytes of every hello: tells a Millrace node from a TLS or HTTP client at once.
    public static let magic: [UInt8] = Array("MILLRACE".utf8)

    public static let oldestVersion: UInt16 = 1
    public static let newestVersion: UInt16 = 1

    /// length 4, type 1, flags 1, reserved 2, chunk ID 4.
    public static let frameHeaderByteCount = 12

    /// Types at and above this number may be skipped by a node that does not know them.
    public static let firstSkippableType: UInt8 = 128

    /// 100 KB: a few milliseconds on a gigabit link, large enough that a frame header is 0.012 %.
    public static let defaultChunkByteCount: UInt32 = 102_400
    public static let smallestChunkByteCount: UInt32 = 1024
    /// A receiver holds a whole chunk in memory until it is verified: this bounds what one source can make it hold.
    public static let largestChunkByteCount: UInt32 = 16 * 1024 * 1024

    /// 2^24 chunks: a bitmap of 2 MiB; 1.6 TiB at the default chunk size, 256 TiB at the largest.
    public static let largestChunkCount: UInt32 = 1 << 24

    /// SHA-256 (FIPS 180-4).
    public static let digestByteCount = 32

    /// Chunks whose digests hang together in one page: 2^6. A proof then has 224 bytes at most, 0.2 % of a chunk of the
    /// usual size, and the digests of pages are half a thousandth of a percent of the file for each peer.
    public static let largestPageHeight = 6
    public static let largestProofByteCount = digestByteCount * (1 + largestPageHeight)
    /// The first chunk of a page can leave once all of it is hashed: milliseconds.
    public static let largestPageByteCount: UInt32 = 8 * 1024 * 1024
    /// A file of fewer chunks would not fill a page: each of its chunks is one.
    public static let fewestPagedChunks: UInt32 = 64

    /// One digest frame: 64 KiB, so that digests never hold up chunks for long.
    public static let largestDigestCountPerFrame = 2048

    /// A chunk ID list is never longer than its bitmap form: 1 form byte and one bit a chunk.
    public static let largestListByteCount = 1 + Int(largestChunkCount / 8)

    /// One request names at most this many chunks: more would queue in front of everybody else's.
    public static let largestRequestCount: UInt32 = 1024

    /// Credits and requests a node may have outstanding on one connection, so that a queue has a bound.
    public static let largestOutstandingCount = 1024

    /// How many times the usual an uploader may be asked to have on its way to one downloader.
    public static let mostRoomTimes: UInt8 = 8

    /// A roster frame of this many members fits in 28 KiB; larger swarms send several frames.
    public static let largestRosterCountPerFrame = 1024
    public static let largestPeerCount = 16_384

    /// A file name on common file systems.
    public static let largestNameByteCount = 255
    /// A reason a person can read, in one line.
    public static let largestReasonByteCount = 200

    public static let helloByteCount = 56
    /// Later versions may make the hello longer; what follows the known fields is ignored up to here.
    public static let largestHelloByteCount = 256
    /// A frame of a type this version does not know is skipped only up to this size.
    public static let largestSkippedByteCount = 64 * 1024
}
