import MillraceWire

/// The limits of a node that the protocol does not fix, each with its reason.
enum NodeLimits {
    /// Chunks given to a transport at a time: enough for a batch, few enough to cancel the rest.
    static let transportQueueCount = 16
    /// Control bytes are read in pieces of this size; chunk bytes go past it.
    static let stagingByteCount = 64 * 1024
    /// A connection that has not said hello by then is no node.
    static let handshakeNanoseconds: UInt64 = 10_000_000_000
    /// Silence after which the other side is asked whether it is there.
    static let pingNanoseconds: UInt64 = 10_000_000_000
    /// Silence, with nothing sent either, after which it is gone.
    static let silenceNanoseconds: UInt64 = 30_000_000_000
    /// What a goodbye may take.
    static let goodbyeNanoseconds: UInt64 = 1_000_000_000
    /// Connections a node accepts at a time, and from one address.
    static let connectionCount = 2048
    /// Pause before a lost or refused connection is tried again; it doubles up to the longest.
    static let firstRetryNanoseconds: UInt64 = 50_000_000
    static let longestRetryNanoseconds: UInt64 = 2_000_000_000
    static let connectNanoseconds: UInt64 = 5_000_000_000
    /// Buffers kept for chunks that arrive next.
    static let pooledBufferCount = 8
    /// A connection with more control bytes than this to send is not read until they are gone; two nodes that send each
    /// other their longest lists at the same time stay below it.
    static let unsentControlByteCount = 4 * WireLimits.largestListByteCount
    /// Log lines wait at most this long.
    static let flushNanoseconds: UInt64 = 100_000_000
    /// Chunks hashed before others hear of them, but for the first.
    static let hashedBatchCount: UInt32 = 16
    /// A socket keeps at most this much unsent on a slow link, so that chunks are bound late.
    static let slowLinkUnsentByteCount = 32 * 1024
    /// Without owner and sources for this long a peer gives up, or after its time-out if that is shorter.
    static let loneNanoseconds: UInt64 = 30_000_000_000
    /// Chunks of one client that wait to be sent: all its credits and as many requests.
    static let clientQueueCount = 2 * WireLimits.largestOutstandingCount
    /// Chunks in one addition to a list: what lies scattered takes up to ten bytes each.
    static let newsCount = 8192
    /// Lost sources that a report tells of.
    static let lostSourceCount = 100
    /// A source hears of additions once there are so many, or after so long, when its connection is in use anyway.
    static let upwardNewsCount = 16
    static let upwardNewsNanoseconds: UInt64 = 250_000_000
    /// How often the summary file learns of new chunks.
    static let summaryNanoseconds: UInt64 = 500_000_000
    /// Members that have gone which a status still tells of.
    static let shownGoneCount = 64
}
