import MillraceIO
import MillraceStore
import MillraceSwarm
import MillraceWire

/// How far a peer has come.
enum PeerPhase: Sendable, Equatable {
    /// No owner has welcomed it yet.
    case waiting
    case fetching
    /// All chunks are there; the file is being put together and verified.
    case assembling
    /// The file is verified and has its name.
    case complete
    /// The node is on its way out.
    case leaving
}

/// One member this peer fetches from, or tries to.
struct SourceRecord: Sendable {
    let peer: PeerIndex
    let link: Link
    /// No longer wanted: its thread ends instead of connecting again.
    var isDropped = false
}

/// Someone who has connected to fetch.
struct ClientRecord: Sendable {
    let identity: UInt64
    let link: Link
    var peer: PeerIndex?
    var node: NodeToken?
}

/// Everything the threads of a peer share, behind its one lock.
struct PeerState: Sendable {
    var phase = PeerPhase.waiting
    /// The swarm's token, once an owner has said it.
    var swarm = NodeToken.unknown
    var content: PeerContent?
    var policy: PeerPolicy?
    var manifest: Manifest?
    /// Chunks in the order they were verified: each connection tells its side of what lies behind its own mark.
    var journal: [ChunkID] = []
    /// The connection to the owner, from its first byte on.
    var ownerConnection: Link?
    /// The same once the owner has welcomed this peer: from then on messages may go to it.
    var ownerLink: Link?
    /// The owner has closed its manifest on this connection, and may be told that the file is complete.
    var ownerTakesCompletion = false
    var ownerAddress: SocketAddress?
    /// The interface by which the owner is reached; 0 where it is not known.
    var ownerLinkNumber: UInt32 = 0
    var sources: [SourceRecord] = []
    /// When sources for which there was no descriptor or no thread are tried again; nil while there are none.
    var sourcesTriedAgainAt: UInt64?
    var clients: [ClientRecord] = []
    /// Chunks that are being written: copies that come meanwhile are of no use.
    var storing: [ChunkID] = []
    var statistics = PeerStatistics()
    var failure: NodeFailure?
    /// What an earlier run left, from the first welcome on; nil where it left nothing. The owner sends nothing of its
    /// choice before all of it is judged.
    var earlier: EarlierChunks?
    /// The owner says that all peers have the file.
    var isReleased = false
    var lastProgress: UInt64 = 0
    /// The finished file as it was when it got its name.
    var finishedStamp: FileStamp?
    /// Since when neither owner nor source is connected; nil while one is.
    var loneSince: UInt64?

    func source(_ peer: PeerIndex) -> SourceRecord? {
        sources.first { $0.peer == peer && !$0.isDropped }
    }
}

/// What a peer counts for its report.
struct PeerStatistics: Sendable {
    var bytesFromOwner: UInt64 = 0
    var bytesFromDisk: UInt64 = 0
    var bytesTwice: UInt64 = 0
    var bytesSent: UInt64 = 0
    /// Sources that were lost before the file was complete, and why.
    var lostSources: [(peer: PeerIndex, reason: String)] = []
    /// Sources this peer has given up for others before the file was complete, and why.
    var replacedSources: [(peer: PeerIndex, reason: String)] = []
    private var triedSources: [PeerIndex] = []
    var peakRate = PeakRate()
    var badChunks: [PeerIndex] = []
    /// By peer, in the order they were first heard of.
    var bytesFromPeers: [(peer: PeerIndex, bytes: UInt64)] = []
    var started: UInt64 = 0
    var firstChunk: UInt64?
    var completed: UInt64?

    mutating func lost(_ peer: PeerIndex, _ reason: String) {
        if lostSources.count < NodeLimits.lostSourceCount { lostSources.append((peer, reason)) }
    }

    /// It is asked beside the others for a while, and left again without being replaced.
    mutating func tried(_ peer: PeerIndex) {
        if !triedSources.contains(peer) { triedSources.append(peer) }
    }

    mutating func replaced(_ peer: PeerIndex) {
        guard !triedSources.contains(peer) || badChunks.contains(peer) else { return }
        replaced(peer, badChunks.contains(peer) ? "it sent a bad chunk" : "the ring gives this peer others now")
    }

    mutating func fellSilent(_ peer: PeerIndex) {
        replaced(peer, "it said nothing for a while, and another was asked beside it")
    }

    mutating func gaveLittle(_ peer: PeerIndex) {
        replaced(peer, "it gave little, and another was asked beside it")
    }

    private mutating func replaced(_ peer: PeerIndex, _ reason: String) {
        guard replacedSources.count < NodeLimits.lostSourceCount else { return }
        guard !replacedSources.contains(where: { $0 == (peer, reason) }) else { return }
        replacedSources.append((peer, reason))
    }

    mutating func took(_ byteCount: UInt64, from origin: ChunkOrigin, at now: UInt64) {
        if origin != .disk { peakRate.took(byteCount, at: now) }
        switch origin {
        case .grant, .rescue: bytesFromOwner += byteCount
        case .disk: bytesFromDisk += byteCount
        case .peer(let peer):
            if let index = bytesFromPeers.firstIndex(where: { $0.peer == peer }) {
                bytesFromPeers[index].bytes += byteCount
            } else {
                bytesFromPeers.append((peer, byteCount))
            }
        }
    }
}
