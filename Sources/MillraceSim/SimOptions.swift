import MillraceSwarm
import MillraceWire

/// What happens to the machines of a simulated LAN, besides the transfer.
public enum SimScenario: String, Sendable, CaseIterable {
    /// All links alike, all peers there from the start.
    case even
    /// One peer's link runs at a quarter of the rate, both ways.
    case slow
    /// One peer's uplink runs at a quarter of the rate.
    case slowUplink = "slow-up"
    /// The owner's link is five times as fast as those of its peers, both ways.
    case fastOwner = "fast-owner"
    /// One peer uploads at 2 % of the rate.
    case freeRider = "free-rider"
    /// One peer is killed half-way.
    case death
    /// One peer falls silent half-way, its connections stay open.
    case freeze
    /// Peers join one after the other over half the transfer.
    case staggered
    /// Peers join over three times the transfer.
    case late
    /// The owner leaves as soon as each chunk is held by a peer.
    case ownerLeaves = "owner-leaves"
    /// One peer is killed half-way and comes back with what it had.
    case restart
    /// Every fourth peer's link runs at a quarter of the rate, both ways.
    case everyFourthSlow = "every-4th-slow"
    /// Uplinks of 0.3, 0.6, 1, 1.5 and 3 times the rate.
    case randomUplinks = "random-up"
    /// Connections break all the time, those to the owner too.
    case lossy
    /// One peer sends chunks that fail their digest.
    case liar
    /// One peer says that it holds everything, and refuses all it is asked for.
    case refuser
    /// From half-way on nothing large that one peer sends arrives, as where one link's frames are longer than the
    /// switch takes: it takes and lists chunks, hears requests, and none of its chunks comes.
    case mute
    /// A third of the peers is cut off from the rest for a while.
    case partition
    /// Peers stop for a while and go on.
    case clogs
    /// A mix of everything above, drawn from the seed, smaller than asked for.
    case faulty
}

/// A bug built in on purpose: a simulator whose invariants miss it proves nothing.
public enum SimCanary: String, Sendable, CaseIterable {
    /// A peer lists chunks before it has verified them.
    case listsUnheld = "lists-unheld"
    /// A peer asks a second source at once.
    case asksTwice = "asks-twice"
    /// A source drops a request without a word.
    case dropsRequest = "drops-request"
    /// The network loses bytes and says nothing.
    case losesBytes = "loses-bytes"
    /// The owner hands a chunk out a second time.
    case grantsTwice = "grants-twice"
}

/// How much of what happens is told in words.
public enum SimStory: Sendable, Comparable {
    case none
    /// Joins, faults, rescues, milestones.
    case milestones
    /// Each request and each chunk too.
    case everything
}

/// One simulated transfer. The same options give the same run on every machine.
public struct SimOptions: Sendable {
    public var peerCount = 5
    public var chunkCount: UInt32 = 1000
    public var chunkByteCount = WireLimits.defaultChunkByteCount
    /// What each link carries, each way, in bytes per second.
    public var linkBytesPerSecond: UInt64 = 25_000_000
    /// One way, from any node to any other, in nanoseconds.
    public var latencyNanoseconds: UInt64 = 200_000
    public var seed: UInt64 = 1
    public var scenario = SimScenario.even
    public var canary: SimCanary?
    public var story = SimStory.none
    /// Keep when each chunk came, for `SimReport.plot`.
    public var recordsArrivals = false
    /// Into how many turns an uplink cuts each chunk: 1 sends whole chunks in turn, more come nearer to the fair
    /// sharing of a link between TCP connections.
    public var turnsPerChunk = 1
    /// Send and receive buffers are small: a sender is held back, on that one connection, by what else is on its way
    /// to the same receiver.
    public var holdsBack = false
    /// How fast the owner hashes, in bytes per second; 0 means that all digests are there from the start.
    public var hashBytesPerSecond: UInt64 = 0
    /// Peers keep to the two classic neighbours.
    public var ringOnly = false

    public init() {}

    /// From anywhere to anywhere and back, while no link is busy.
    var roundTripNanoseconds: UInt64 { 2 * latencyNanoseconds }

    /// How long one chunk takes on a link, in nanoseconds.
    public var chunkNanoseconds: UInt64 {
        max(1, UInt64(chunkByteCount) * 1_000_000_000 / max(1, linkBytesPerSecond))
    }

    /// The nearest that can be simulated: no transfer of more than eleven days, no more peers than a swarm may have.
    func bounded() -> SimOptions {
        var bounded = self
        bounded.peerCount = max(0, min(peerCount, WireLimits.largestPeerCount))
        bounded.turnsPerChunk = max(1, min(turnsPerChunk, 64))
        bounded.latencyNanoseconds = min(latencyNanoseconds, 3_600_000_000_000)
        let slowest = UInt64(chunkCount) * UInt64(chunkByteCount) / 1_000_000
        bounded.linkBytesPerSecond = max(linkBytesPerSecond, slowest, 1024)
        bounded.linkBytesPerSecond = min(bounded.linkBytesPerSecond, 1 << 50)
        if hashBytesPerSecond > 0 { bounded.hashBytesPerSecond = max(hashBytesPerSecond, slowest, 1024) }
        return bounded
    }

    /// The command that runs this again.
    public var command: String {
        var words = [
            "millrace sim", "--peers \(peerCount)", "--chunks \(chunkCount)", "--chunk-size \(chunkByteCount)",
            "--rate \(linkBytesPerSecond)", "--latency \(latencyNanoseconds)", "--seed \(seed)",
            "--scenario \(scenario.rawValue)",
        ]
        if turnsPerChunk != 1 { words.append("--turns \(turnsPerChunk)") }
        if holdsBack { words.append("--holds-back") }
        if hashBytesPerSecond != 0 { words.append("--hash-rate \(hashBytesPerSecond)") }
        if ringOnly { words.append("--ring-only") }
        if let canary { words.append("--canary \(canary.rawValue)") }
        return words.joined(separator: " ")
    }
}
