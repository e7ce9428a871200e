import MillraceSwarm
import MillraceWire

/// Why a chunk is on its way.
enum ChunkPurpose: UInt32 {
    case grant, rescue, answer
}

struct Outgoing {
    let chunk: ChunkID
    let purpose: ChunkPurpose
}

/// One TCP connection: a client that fetches, a source that serves (node 0 is the owner). Each side has its own idea
/// of whether it is open.
struct Connection {
    private let clientNumber: UInt32
    private let sourceNumber: UInt32
    /// The numbers by which the two know each other.
    var clientIndex: PeerIndex
    let sourceIndex: PeerIndex
    var isClientOpen = true
    var isSourceOpen = false
    var isEstablished = false
    /// The two have a connection the other way round as well; announcements go over one of them.
    var isMutual = false
    var isSending = false
    /// It waits for its turn on the uplink.
    var isReady = false
    /// What the source has still to send, the chunk being sent first.
    var queue = Fifo<Outgoing>()
    /// When what is being sent has passed the receiver's downlink.
    var deliveredAt: UInt64 = 0
    /// Turns of the chunk being sent that are still to come; 0 before its first.
    var turnsLeft: Int32 = 0
    /// How many chunks the client asked for and got no answer for.
    var askedCount: Int32 = 0
    /// Requests that have left the client, and answers that have left the source, and are on their way.
    var requestsUnderWay: Int32 = 0
    var answersUnderWay: Int32 = 0

    init(client: Int, source: Int, clientIndex: PeerIndex, sourceIndex: PeerIndex) {
        clientNumber = UInt32(client)
        sourceNumber = UInt32(source)
        self.clientIndex = clientIndex
        self.sourceIndex = sourceIndex
    }

    var client: Int { Int(clientNumber) }
    var source: Int { Int(sourceNumber) }
}

/// A chunk that a node asked for and got no answer for.
struct Asked {
    let connection: Int
    let chunk: ChunkID
    /// It has an answer by then, or no connection.
    let answerBy: UInt64
    var isCancelled = false
}

/// One machine: its link, its disk, and the peer that runs on it.
struct SimNode {
    let plan: NodePlan
    var policy: PeerPolicy
    /// Chunks that are on its disk and were verified: the truth that lists are held against.
    var disk: ChunkSet

    var isAlive = false
    /// Until then it neither hears nor says anything; the largest number stands for ever.
    var stalledUntil: UInt64 = 0
    var incarnation: UInt64 = 0
    var isWelcome = false
    var isEvicted = false

    var isUplinkBusy = false
    /// When everything now on its way to it has passed its downlink.
    var downlinkFreeAt: UInt64 = 0
    /// Connections with something to send, in turn.
    var ready = Fifo<Int>()

    var ownerConnection: Int?
    /// Connections in which this node is the client, and those in which it is the source.
    var sources: [Int] = []
    var clients: [Int] = []
    /// What it waits for on all its connections, in the order of asking.
    var asked: [Asked] = []

    /// Who hears this node's announcements; nil when connections have changed since.
    var audience: [Listener]?

    var unannounced: [ChunkID] = []
    var isAnnouncing = false
    var announcedAt: UInt64?
    var timerAt: UInt64?
    var isReconnecting = false

    var joinedAt: UInt64 = 0
    var finishedAt: UInt64?
    var report = PeerReport()
    /// When each chunk came and whether the owner sent it; empty if nobody asked for it.
    var arrivals: [Arrival] = []

    init(plan: NodePlan, policy: PeerPolicy, disk: ChunkSet) {
        self.plan = plan
        self.policy = policy
        self.disk = disk
    }

    /// What it says on a new connection that it holds.
    var listed: ChunkSet { plan.refuses ? .all(of: disk.chunkCount) : disk }

    func positionOfAsked(_ chunk: ChunkID, on connection: Int) -> Int? {
        asked.firstIndex { $0.chunk == chunk && $0.connection == connection }
    }

    func mayStartTurn(at now: UInt64) -> Bool { !isUplinkBusy && isAlive && stalledUntil <= now && !isMute(at: now) }

    func isMute(at now: UInt64) -> Bool { plan.muteFrom.map { $0 <= now } ?? false }
}

/// One who hears a node's announcements: the owner, a client, or a source.
struct Listener {
    let node: Int
    let connection: Int
    let isClient: Bool
    /// By what number it knows the one it listens to.
    let speaker: PeerIndex
}

struct Arrival: Sendable {
    var at: UInt64
    var isFromOwner: Bool

    static let never = Arrival(at: .max, isFromOwner: false)
}
