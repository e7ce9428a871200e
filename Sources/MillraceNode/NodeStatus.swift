import MillraceIO
import MillraceStore
import MillraceSwarm
import MillraceWire

/// What a node is doing, at one moment. Taken only when somebody asks; byte counts are file bytes, times seconds.
public struct NodeStatus: Sendable {
    public enum Role: String, Sendable { case owner, peer }

    public enum Phase: String, Sendable, CaseIterable {
        /// A peer that no owner has welcomed yet.
        case waiting
        case fetching
        /// All chunks are there; the file is being put together and checked.
        case assembling
        /// A peer that has the file and serves on.
        case complete
        /// An owner.
        case serving
        /// On its way out.
        case leaving
    }

    public struct File: Sendable {
        public let name: String
        public let layout: ChunkLayout
        /// Known once the owner has hashed the whole file.
        public let contentID: Digest?
    }

    /// Bytes that have come and gone since the node started.
    public struct Traffic: Sendable {
        public var fromOwner: UInt64 = 0
        public var fromPeers: UInt64 = 0
        /// Found on disk from an earlier run, and verified.
        public var fromDisk: UInt64 = 0
        /// Came though they were here already.
        public var twice: UInt64 = 0
        public var sent: UInt64 = 0
    }

    /// One member of the swarm as this node sees it.
    public struct Member: Sendable {
        public enum State: String, Sendable {
            case fetching, complete, gone
            /// A peer is connected with it, and hears only of those of its chunks that it has a use for.
            case connected
            /// A peer is not connected with it.
            case unknown
        }

        public let peer: PeerIndex
        public let address: String
        public let state: State
        /// It is on the ring now; one that is complete may have left it.
        public var isPresent = true
        /// What it says it holds, the least there is where it is `connected`; nil where this node is not told.
        public let held: ChunkSet?
        /// Whom the ring gives it to fetch from: its download neighbour, then its chords.
        public let sources: [PeerIndex]
        /// Sent to it by this node (owner only).
        public var bytesSent: UInt64?
        /// From its joining to now, to its being done, or to its leaving (owner only).
        public var seconds: Double?
        /// How often others had to be helped to chunks it did not pass on (owner only).
        public var strikeCount = 0
        /// It holds up the swarm or lags far behind it.
        public var isSlow = false
    }

    /// Somebody a peer fetches from, or did.
    public struct Source: Sendable {
        public let peer: PeerIndex
        public let isConnected: Bool
        public let bytes: UInt64
        public let chunkCount: Int
        public let lateCount: Int
        /// Requests it has not answered yet.
        public let outstandingCount: Int
        /// From request to chunk, added up over all chunks.
        public let waitedSeconds: Double
        public let longestSeconds: Double
        public var isSlow = false

        public var meanSeconds: Double { chunkCount == 0 ? 0 : waitedSeconds / Double(chunkCount) }
    }

    public let role: Role
    public let phase: Phase
    /// Why the node can't go on, if it can't.
    public let failure: String?
    /// The number that the owner gave this peer.
    public let peer: PeerIndex?
    public let seconds: Double
    public let listenPort: UInt16
    /// `TransportChoice.name`.
    public let transport: String
    public let storeKind: StoreKind
    /// Nil for a peer that no owner has welcomed yet.
    public let file: File?
    /// Chunks that this node can hand out: verified at a peer, hashed at the owner.
    public let held: ChunkSet
    public let traffic: Traffic
    /// A peer has a connection to its owner.
    public let hasOwner: Bool
    /// Members in ring order, then those an owner has seen go.
    public let members: [Member]
    public let sources: [Source]
    /// Who is connected to fetch from this node.
    public let clientCount: Int

    public var heldByteCount: UInt64 { file.map { held.byteCount(in: $0.layout) } ?? 0 }

    /// The whole file is here and verified.
    public var isWhole: Bool { phase == .complete || (role == .owner && file?.contentID != nil) }
}

extension ChunkSet {
    /// The bytes that the members have together.
    public func byteCount(in layout: ChunkLayout) -> UInt64 {
        guard count > 0, let last = layout.chunkCount.checkedDecrement else { return 0 }
        let missing = contains(last) ? UInt64(layout.chunkByteCount) - UInt64(layout.byteCount(of: last)) : 0
        return UInt64(count) * UInt64(layout.chunkByteCount) - missing
    }
}

extension UInt32 {
    fileprivate var checkedDecrement: UInt32? { self == 0 ? nil : self - 1 }
}
