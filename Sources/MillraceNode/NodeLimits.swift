import MillraceWire

/// The limits of a node that the protocol does not fix, each with its reason. `relations` says how they go together.
enum NodeLimits {
    // Connections.

    /// Connections a node accepts at a time: more peers than a LAN has, and at 30 KiB each no more memory than stated.
    static let connectionCount = 2048
    /// Those from one address: a rack of nodes on one machine, and no more of the whole than one eighth.
    static let connectionCountPerAddress = 256
    /// Where descriptors are scarce: enough to be a member of a swarm.
    static let fewestConnectionCount = 4
    /// A socket, a wake-up, a chunk file and a ring.
    static let descriptorsPerConnection = 4
    /// Descriptors for all else: files, the listener, sources and the owner.
    static let reservedDescriptorCount = 64
    /// Connections whose hello has not come: nodes say it within a round trip, so few wait at a time.
    static let waitingCount = 64
    /// Connections that have said hello, and neither who they are nor what they want.
    static let greetingCount = 64
    /// Refused connections that are given time to read why.
    static let leavingCount = 64

    // Times.

    /// A connection that has not said by then who it is and what it wants is no node.
    static let handshakeNanoseconds: UInt64 = 10_000_000_000
    /// Silence after which the other side is asked whether it is there.
    static let pingNanoseconds: UInt64 = 10_000_000_000
    /// Pings that may wait for their answer: nodes send one at a time, and each answer takes as many bytes of the
    /// uplink.
    static let pingCount = 16
    /// Silence, with nothing sent either, after which it is gone.
    static let silenceNanoseconds: UInt64 = 30_000_000_000
    /// What a goodbye may take.
    static let goodbyeNanoseconds: UInt64 = 1_000_000_000
    /// Pause before a lost or refused connection is tried again; it doubles up to the longest.
    static let firstRetryNanoseconds: UInt64 = 50_000_000
    static let longestRetryNanoseconds: UInt64 = 2_000_000_000
    /// An owner that has welcomed this peer and breaks the protocol so often, with no chunk in between, is none.
    static let ownerFaultLimit = 3
    /// A machine of a LAN that does not answer by then is not there.
    static let connectNanoseconds: UInt64 = 5_000_000_000
    /// A wait that ends so long after its deadline means that the process was stopped, not that the machine is busy.
    static let standstillNanoseconds: UInt64 = 2_000_000_000
    /// A chunk that can't be opened for want of descriptors is tried again after this time.
    static let scarcityNanoseconds: UInt64 = 50_000_000

    // What waits to be sent or read.

    /// Control bytes are read in pieces of this size; chunk bytes go past it.
    static let stagingByteCount = 64 * 1024
    /// A thread that waits for a chunk is woken for so much of it: the default chunk arrives with one wake-up.
    static let receivePieceByteCount = 128 * 1024
    /// Shorter chunks cost no more to write than to hand to the thread that writes.
    static let writeBehindByteCount = 64 * 1024
    /// Chunks given to a transport at a time: enough for a batch, few enough to cancel the rest.
    static let transportQueueCount = 16
    /// Chunks of one client that wait to be sent: all its credits and as many requests.
    static let clientQueueCount = 2 * WireLimits.largestOutstandingCount
    /// Buffers kept for chunks that arrive next.
    static let pooledBufferCount = 8
    /// Control bytes besides lists that may wait: a frame of digests, one of the roster, and all answers to requests.
    static let unsentAnswerByteCount = 128 * 1024

    /// A connection with more control bytes than this to send is not read, and gets nothing new, until they are gone.
    /// Two nodes that send each other their longest lists at the same time stay below it.
    static func unsentControlByteCount(chunkCount: UInt32) -> Int {
        unsentAnswerByteCount + 2 * (1 + (Int(chunkCount) + 7) / 8)
    }

    /// What others have to say (the roster's changes) goes on all the same; who leaves so many times more than that
    /// unread does not read at all.
    static let unreadTimes = 4

    // What is done at a time.

    /// Threads that verify what an earlier run left: two keep a fast disk busy, more would leave no processor for the
    /// network on the machines this is for.
    static let verifyThreadCount = 2
    /// Chunks hashed before others hear of them, but for the first.
    static let hashedBatchCount: UInt32 = 16
    /// Chunks in one addition to a list: what lies scattered takes up to ten bytes each.
    static let newsCount = 8192
    /// Whoever takes no part yet may be verifying a file of an earlier run, or nobody: all such together are sent so
    /// many bytes of digests and proofs a second, a few at a time: the proofs of 240 MB of file in chunks of the usual
    /// size.
    static let idleDigestBytesPerSecond: UInt64 = 512 * 1024
    static let idleDigestCount = 256
    static let idleProofCount = idleDigestCount / (1 + WireLimits.largestPageHeight)
    /// Proofs at a time for who takes part: as much as a frame of digests.
    static let proofCount = WireLimits.largestDigestCountPerFrame / (1 + WireLimits.largestPageHeight)
    /// A source hears of additions once there are so many, or after so long, when its connection is in use anyway.
    static let upwardNewsCount = 16
    static let upwardNewsNanoseconds: UInt64 = 250_000_000
    /// What a limit lets pass at once after a pause: enough for threads that are late, little for a switch. What is
    /// taken was sent before, its amount bounded by the window, so threads of a busy machine may be later there.
    static let sendBurstNanoseconds: UInt64 = 10_000_000
    static let receiveBurstNanoseconds: UInt64 = 40_000_000
    /// A limited node takes bytes in pieces of so much of its rate, within these bounds, so that sources take turns.
    static let ratePieceNanoseconds: UInt64 = 4_000_000
    static let smallestRatePieceByteCount = 4 * 1024
    static let largestRatePieceByteCount = 256 * 1024
    /// What a source may have under way to a limited node, in time; smaller windows than the least make TCP stutter.
    static let rateWindowNanoseconds: UInt64 = 10_000_000
    static let smallestRateWindowByteCount = 64 * 1024
    /// Chunks that take longer than this at the limited rate are left to the kernel to spread, which then keeps closer
    /// to the rate than where the bucket does.
    static let longRateChunkNanoseconds: UInt64 = 20_000_000
    /// Log lines wait at most this long.
    static let flushNanoseconds: UInt64 = 50_000_000
    /// A log with so many events in memory is written at once; one with more makes those wait who write to it. So many
    /// notices may wait, and no more.
    static let logFlushCount = 512
    static let logCount = 8192
    /// Events that are written with one call.
    static let logBatchCount = 256
    /// What is left to write when a node is told to end has this time: whoever should read it may have stopped.
    static let lastWordsNanoseconds: UInt64 = 1_000_000_000
    /// How often progress is drawn: often enough to look alive, seldom enough to cost nothing.
    static let progressBarNanoseconds: UInt64 = 200_000_000
    static let progressLineNanoseconds: UInt64 = 5_000_000_000
    /// How often the summary file learns of new chunks.
    static let summaryNanoseconds: UInt64 = 500_000_000
    /// Members that have gone which a status still tells of.
    static let shownGoneCount = 64
    /// Lost sources that a report tells of.
    static let lostSourceCount = 100

    /// What must hold between these numbers, each with its name.
    static var relations: [(name: String, holds: Bool)] {
        let largestList = WireLimits.largestListByteCount
        let rejects = WireLimits.largestOutstandingCount * (WireLimits.frameHeaderByteCount + 1)
        return [
            ("one address never fills a node", 2 * connectionCountPerAddress <= connectionCount),
            ("the protocol's 32 connections can be had", connectionCountPerAddress >= 32),
            ("strangers are fewer than nodes", waitingCount + leavingCount < connectionCountPerAddress),
            ("greeters leave room for members", 2 * greetingCount <= connectionCountPerAddress),
            ("silence is asked about before it ends a connection", 2 * pingNanoseconds <= silenceNanoseconds),
            ("a goodbye is shorter than a handshake", goodbyeNanoseconds < handshakeNanoseconds),
            ("pauses grow", firstRetryNanoseconds < longestRetryNanoseconds),
            ("both sides' longest lists fit",
                unsentControlByteCount(chunkCount: WireLimits.largestChunkCount) >= 2 * largestList),
            ("all answers to requests fit", unsentAnswerByteCount >= rejects),
            ("an addition of scattered chunks fits a list", newsCount * 10 < largestList),
            ("a frame of digests fits", unsentAnswerByteCount >= 32 * WireLimits.largestDigestCountPerFrame),
            ("the transport has a part of the queue", transportQueueCount < clientQueueCount),
            ("connections that want descriptors have them", descriptorsPerConnection >= 3),
        ]
    }
}
