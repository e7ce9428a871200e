import MillraceWire

/// What a peer does next. Executed by whoever drives the policy, in order.
public enum PeerAction: Sendable, Equatable {
    case request(PeerIndex, ChunkID)
    case cancel(PeerIndex, ChunkID)
    /// Leave the owner so many more chunks of its choice to send.
    case credit(Int)
    /// Ask the owner for help with a chunk that the named source does not send.
    case rescue(ChunkID, from: PeerIndex?)
    /// Tell the owner that this member sent a chunk that does not match its digest.
    case accuse(PeerIndex, ChunkID)
    /// Open a connection to fetch from this member.
    case connect(PeerIndex)
    /// Close the connection used to fetch from this member; it is no source any more.
    case disconnect(PeerIndex)
    /// This source says nothing, and another is asked beside it. Nothing to do but to tell people.
    case noteSilence(PeerIndex)
    /// The same of one that gives far less than the others.
    case noteWeakness(PeerIndex)
    /// This peer falls behind with the sources it has, and tries whether more comes with this one beside them.
    case noteTrial(PeerIndex)
}

/// Where a chunk came from.
public enum ChunkOrigin: Sendable, Equatable {
    /// Chosen by the owner for a credit.
    case grant
    /// Sent by the owner as a last resort.
    case rescue
    case peer(PeerIndex)
    /// Found on disk from an earlier run.
    case disk
}

/// A peer's side of the swarm: keeps a few requests in flight to several sources, rarest chunk first, least busy source
/// first, and finds a way around sources that are late, wrong or gone. Pure: time and seed are arguments.
public struct PeerPolicy: Sendable {
    public let layout: ChunkLayout
    public internal(set) var have: ChunkSet
    public internal(set) var ring = Ring()
    public let ringOnly: Bool
    public private(set) var pace = Pace()

    /// This peer's own number; nil while it has no owner.
    public internal(set) var selfIndex: PeerIndex?
    /// Chunks asked for somewhere and not there yet.
    var pending: ChunkSet
    var neighbours: Neighbourhood
    /// Requests that wait for their answer, were not cancelled and are not late.
    var outstandingCount = 0
    /// How many may, at all sources together and at each.
    var requestWindow = SwarmLimits.requestWindow
    var sourceWindow = SwarmLimits.requestWindowPerFewSources
    /// How many times the least they are.
    var windowScale = 1
    /// Chunks come so fast that a source is asked for several at a time.
    var asksInBatches = false
    /// Digests of pages are known for chunks below this number; no other chunk could be verified.
    var digestCount: UInt32 = 0
    /// The same of those that came on the connection to the owner: it is asked for no other chunk (PROTOCOL.md, M-8).
    /// Nil without an owner.
    var ownerDigestCount: UInt32?
    /// All chunks below this one are held.
    var lowestMissing: ChunkID = 0
    /// One above the highest chunk that any neighbour was seen to hold.
    var frontier: ChunkID = 0
    var grantPace = Pace()
    /// The shortest round trip to anybody; nil before the first.
    var roundTripNanoseconds: UInt64?
    var creditsOutstanding = 0
    /// Credits may go out: what was on disk has been verified and announced.
    var acceptsGrants = false
    /// The average time from a request to its chunk.
    var serviceNanoseconds: UInt64 = 0
    /// How often in a row something was late and nothing came in between.
    var lateStreak = 0
    /// The help asked from the owner and not yet given: one at a time, so that owner egress can't be abused.
    var rescue: (chunk: ChunkID, at: UInt64)?
    /// Chunks the owner was asked for on this connection: it may send them, also after they were given up.
    var rescued: ChunkSet
    /// When this peer last got a chunk or had reason to expect one; what is idle much longer is stranded.
    var lastProgress: UInt64 = 0
    /// How many chunks came by rescue since one came otherwise: more are likely stranded for the same reason.
    var rescueStreak = 0
    /// Chunks the owner sent this peer elsewhere for, each with the member to ask as soon as it is a source.
    var asked: [(chunk: ChunkID, peer: PeerIndex)] = []
    /// Members whose chunks were bad: never a source again.
    var banned: [PeerIndex] = []
    /// Members that refused all they were asked for: no sources any more either.
    var refusing: [PeerIndex] = []
    /// What was refused and by whom, the latest last.
    var refused: [(chunk: ChunkID, peer: PeerIndex)] = []
    /// Sources that were lost or could not be reached, and that no owner takes off the ring.
    var unreachable: [PeerIndex] = []
    /// The member its user named as download neighbour, once it is known who that is.
    var givenNeighbour: PeerIndex?
    /// A source has fallen silent or turned out weak, or is so no longer.
    var mustReviseSources = false
    /// Asked beside those that the ring gives.
    var extraSources = ExtraSources()
    /// Chunks that all sources have given since they were last compared.
    var givenCount = 0
    /// Some retired source has answered everything and can be left.
    var hasIdleRetired = false
    var generator: SeededGenerator
    var tallies = SourceTallies()

    public init(layout: ChunkLayout, seed: UInt64, ringOnly: Bool = false) {
        self.layout = layout
        self.ringOnly = ringOnly
        have = ChunkSet(chunkCount: layout.chunkCount)
        pending = ChunkSet(chunkCount: layout.chunkCount)
        rescued = ChunkSet(chunkCount: layout.chunkCount)
        neighbours = Neighbourhood(chunkCount: layout.chunkCount)
        generator = SeededGenerator(seed: seed)
    }

    /// How each source has served this peer, for its report.
    public var sourceTallies: [SourceTally] { tallies.all }

    public var isComplete: Bool { have.isFull }

    /// How late a request must be before somebody else is asked instead.
    public var hedgeNanoseconds: UInt64 {
        guard serviceNanoseconds > 0 else {
            let first = UInt64(layout.chunkByteCount) * 1_000_000_000 / SwarmLimits.slowestBytesPerSecond
            return max(SwarmLimits.firstHedgeNanoseconds, first) << UInt64(lateStreak)
        }
        return max(SwarmLimits.shortestHedgeNanoseconds, SwarmLimits.hedgeServiceTimes * serviceNanoseconds)
            << UInt64(min(lateStreak, SwarmLimits.hedgeDoublingLimitOnceAnswered))
    }

    /// How fast chunks come, in bytes a second; 0 before the second one.
    public var receivedBytesPerSecond: UInt64 {
        guard let interval = pace.intervalNanoseconds else { return 0 }
        return UInt64(layout.chunkByteCount) * 1_000_000_000 / max(interval, 1)
    }

    /// A chunk was verified and stored.
    public mutating func verified(
        _ chunk: ChunkID, from origin: ChunkOrigin, at now: UInt64, into actions: inout [PeerAction]
    ) {
        let answersRequest = settle(chunk, from: origin, at: now, into: &actions)
        if have.insert(chunk) {
            let wasPending = pending.remove(chunk)
            if !wasPending { neighbours.wanted(chunk, false) }
            if chunk == lowestMissing { lowestMissing = have.firstMissing(from: chunk) }
            // Of all requests for a chunk one at most is not cancelled yet.
            if wasPending, !answersRequest { supersede(chunk, into: &actions) }
            if rescue?.chunk == chunk { rescue = nil }
            forgetAsked { $0.chunk == chunk }
            if origin != .disk {
                pace.arrival(at: now)
                sizeWindows()
            }
            lastProgress = now
            rescueStreak = origin == .rescue ? rescueStreak + 1 : 0
        }
        fill(at: now, into: &actions)
        topUpCredits(into: &actions)
        if livesOnRescues { goOnRescuing(at: now, into: &actions) }
    }

    /// A chunk came whose bytes do not match its digest. The owner is told, the source is never asked again.
    public mutating func bad(
        _ chunk: ChunkID, from origin: ChunkOrigin, at now: UInt64, into actions: inout [PeerAction]
    ) {
        guard case .peer(let peer) = origin else {
            settle(chunk, from: origin, at: now, into: &actions)
            topUpCredits(into: &actions)
            return
        }
        banned.append(peer)
        actions.append(.accuse(peer, chunk))
        leave(peer, at: now, into: &actions)
    }

    /// A chunk that is already here, or was never asked for, came again. It is of no use, but answers a request.
    public mutating func superfluous(
        _ chunk: ChunkID, from origin: ChunkOrigin, at now: UInt64, into actions: inout [PeerAction]
    ) {
        settle(chunk, from: origin, at: now, into: &actions)
        fill(at: now, into: &actions)
        topUpCredits(into: &actions)
    }

    /// Digests are known now for all chunks below this number.
    public mutating func digestsKnown(below count: UInt32, at now: UInt64, into actions: inout [PeerAction]) {
        digestCount = max(digestCount, count)
        ownerDigestCount = count
        fill(at: now, into: &actions)
    }

    /// Chunks of an earlier run have been verified and announced: the owner may send others.
    public mutating func startGrants(at now: UInt64, into actions: inout [PeerAction]) {
        acceptsGrants = true
        lastProgress = now
        topUpCredits(into: &actions)
    }

    /// The connection to the owner is gone, and with it all credits. The ring stays as it was.
    public mutating func ownerLost() {
        creditsOutstanding = 0
        acceptsGrants = false
        ownerDigestCount = nil
        mustReviseSources = !unreachable.isEmpty
        rescue = nil
        rescued = ChunkSet(chunkCount: layout.chunkCount)
    }

    var hasOwner: Bool { ownerDigestCount != nil }

    func isWanted(_ chunk: ChunkID) -> Bool {
        !have.contains(chunk) && !pending.contains(chunk)
    }
}
