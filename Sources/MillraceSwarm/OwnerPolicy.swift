import MillraceWire

/// What the owner does next. Executed by whoever drives the policy, in order.
public enum OwnerAction: Sendable, Equatable {
    /// Send a never-sent chunk for one of the peer's credits.
    case grant(PeerIndex, ChunkID)
    /// Send a second copy, as the last resort of a peer that can't get the chunk elsewhere.
    case send(PeerIndex, ChunkID)
    /// Tell the first peer to request the chunk from the second.
    case ask(PeerIndex, ChunkID, from: PeerIndex)
    /// Two peers say that this one sends bad chunks: close its connection, take it off the roster.
    case evict(PeerIndex)
}

/// The owner's side of the swarm: hands every chunk out once, to whoever asked first and passes chunks on, lowest
/// chunk first, bound to a peer as late as possible; answers rescues. Pure: time is an argument.
public struct OwnerPolicy: Sendable {
    public let layout: ChunkLayout
    public private(set) var ring = Ring()
    /// Chunks sent for credits or rescues, in all: owner egress.
    public internal(set) var sentChunkCount = 0
    public internal(set) var rescueCount = 0
    /// How often what a member lists came to count for nothing, and was offered again.
    public internal(set) var distrustCount = 0

    /// Dense by peer index; nil once a peer has left.
    var members: [OwnerMember?] = []
    /// Numbers of those that have left and never took part. Strangers that come and go use up no others.
    private var unusedNumbers: [PeerIndex] = []
    /// Chunks that may be handed out (hashed) and that no live peer has or is being sent.
    var unsent: ChunkSet
    /// Live peers that hold the chunk, and are trusted to.
    var holderCount: [UInt16]
    /// Who was granted the chunk; `nobody` if it was never granted or came back.
    var grantee: [PeerIndex]
    /// Granted chunks already seen at another peer.
    var relayed: ChunkSet
    /// Credits in the order they came.
    var creditQueue: [PeerIndex] = []
    /// The last rescue of a chunk: who got it and when.
    var rescues: [ChunkID: (peer: PeerIndex, at: UInt64)] = [:]  // lookup only
    /// Peers that have listed chunks since their last rescue was held back.
    var rescuableAgain: [PeerIndex] = []
    /// The average time a chunk takes to leave for a socket; nil before the first has left.
    var writeNanoseconds: UInt64?
    var tempo = UplinkTempo()
    /// Peers with grants that are bound and not written yet.
    var writers: [PeerIndex] = []
    /// Grants in the order they were bound, until the peer lists them or has had its time.
    var grantsInFlight: [Grant] = []
    /// When the owner looks next for peers that pass nothing on.
    var nextMuteCheckAt: UInt64 = 0
    /// Some granted chunk was seen at nobody else, when the owner looked last or since.
    var mayBePassedOn = false
    /// Who let a grant lapse, and may have fallen silent.
    var fallingSilent: [PeerIndex] = []
    /// The average time from a grant to its being listed; nil before the first.
    var listNanoseconds: UInt64?
    /// The average time from a grant to its being seen at another peer; nil before the first.
    var passOnNanoseconds: UInt64?
    /// When a chunk was last bound to a credit.
    var lastGrantAt: UInt64 = 0
    /// Until when a credit waits that is there, for others who are to take the last chunks; nil while none does.
    var heldBackUntil: UInt64?
    /// Chunks below this number are hashed and may be handed out.
    var hashedEnd: ChunkID = 0
    /// One above the highest chunk that was handed out or that a peer brought along.
    private var frontier: ChunkID = 0
    /// Digests below this number should be with the peers by now.
    public private(set) var digestTarget: UInt32
    private var planner = RingPlanner()
    /// By host, how many in a row took chunks and listed none.
    var wastes: [PeerAddress.Host: Int] = [:]  // lookup only
    /// By host, how many numbers its members have used up.
    private var numbersUsed: [PeerAddress.Host: Int] = [:]  // lookup only

    static let nobody = PeerIndex.max

    public init(layout: ChunkLayout) {
        self.layout = layout
        let count = Int(layout.chunkCount)
        unsent = ChunkSet(chunkCount: layout.chunkCount)
        relayed = ChunkSet(chunkCount: layout.chunkCount)
        holderCount = Array(repeating: 0, count: count)
        grantee = Array(repeating: OwnerPolicy.nobody, count: count)
        digestTarget = min(layout.chunkCount, SwarmLimits.shortestDigestLead)
    }

    /// How many chunks a live peer is known to hold; 0 for one that has left.
    public func heldChunkCount(by peer: PeerIndex) -> Int {
        Int(peer) < members.count ? members[Int(peer)]?.have.count ?? 0 : 0
    }

    /// Chunks that were hashed and may be handed out from now on; those that a peer brought along are not offered.
    public mutating func hashed(_ chunks: Range<ChunkID>) {
        hashedEnd = max(hashedEnd, chunks.upperBound)
        for chunk in chunks where holderCount[Int(chunk)] == 0 { unsent.insert(chunk) }
    }

    /// A peer comes from a host: it gets a number that nobody else has heard of. Nil when the swarm is full.
    public mutating func enlist(from host: PeerAddress.Host = .none) -> PeerIndex? {
        let member = OwnerMember(host: host, have: ChunkSet(chunkCount: layout.chunkCount))
        if let unused = unusedNumbers.popLast() {
            members[Int(unused)] = member
            return unused
        }
        guard members.count < WireLimits.largestPeerCount, usesNumber(host) else { return nil }
        members.append(member)
        return PeerIndex(members.count - 1)
    }

    /// Counts one more number for this address; false if it has had its share: who comes and goes in a hurry must not
    /// close the swarm to everybody.
    private mutating func usesNumber(_ host: PeerAddress.Host) -> Bool {
        guard host != .none else { return true }
        let count = numbersUsed[host] ?? 0
        guard count < SwarmLimits.numbersPerHost else { return false }
        numbersUsed[host] = count + 1
        return true
    }

    /// A peer takes part from now on: it gets its place on the ring, once. Nil for one that has left, and as long as
    /// the peer is suspect.
    public mutating func admit(_ peer: PeerIndex, address: PeerAddress, neighbour: PeerAddress = .none) -> Int? {
        guard isMember(peer), !members[Int(peer)]!.takesPart, !isSuspect(members[Int(peer)]!) else { return nil }
        members[Int(peer)]!.takesPart = true
        let entry = RosterEntry(peer: peer, address: address)
        let position = planner.position(for: entry, neighbour: neighbour, on: ring)
        ring.insert(entry, at: position)
        watchPassingOnAnew()
        return position
    }

    /// A peer comes and takes part at once. Nil when the swarm is full.
    public mutating func join(address: PeerAddress, neighbour: PeerAddress = .none) -> (peer: PeerIndex, position: Int)?
    {
        guard let peer = enlist() else { return nil }
        guard let position = admit(peer, address: address, neighbour: neighbour) else { return nil }
        return (peer, position)
    }

    /// A peer says that it holds these chunks too.
    ///
    /// - Parameter now: when it says so; tells how long peers take from a grant to listing it.
    public mutating func holds(_ peer: PeerIndex, _ run: Range<ChunkID>, at now: UInt64? = nil) {
        guard isMember(peer) else { return }
        defer { if members[Int(peer)]!.heldCredits > 0 { queueCredits(of: peer) } }
        advanceFrontier(to: run.upperBound)
        for part in members[Int(peer)]!.have.insertMissing(run) {
            speaksAgain(peer, at: now)
            if let now { members[Int(peer)]!.heardAt = now }
            if members[Int(peer)]!.isTrusted { noteHeld(part, by: peer, at: now) }
        }
    }

    /// A trusted peer lists chunks that it did not list before.
    private mutating func noteHeld(_ run: Range<ChunkID>, by peer: PeerIndex, at now: UInt64?) {
        for chunk in run {
            holderCount[Int(chunk)] += 1
            if !unsent.isEmpty { unsent.remove(chunk) }
            let first = grantee[Int(chunk)]
            if members[Int(peer)]!.vainAskCount > 0, first != peer { noteOrigin(of: chunk, at: peer) }
            if !members[Int(peer)]!.rescues.isEmpty { noteListedRescue(of: chunk, at: peer) }
            if first == peer {
                listed(chunk, by: peer, at: now)
                if !wastes.isEmpty { wastes[members[Int(peer)]!.host] = nil }
            }
            if first != OwnerPolicy.nobody, first != peer, relayed.insert(chunk) {
                passedOn(chunk, by: first, at: now)
            }
        }
    }

    /// Chunks below this number are in the swarm: moves the digests on, in steps of half their lead.
    mutating func advanceFrontier(to end: ChunkID) {
        frontier = max(frontier, end)
        let lead = min(max(frontier, SwarmLimits.shortestDigestLead), SwarmLimits.longestDigestLead)
        guard frontier + lead / 2 > digestTarget else { return }
        digestTarget = min(layout.chunkCount, frontier + lead)
    }

    public mutating func complete(_ peer: PeerIndex) {
        guard isMember(peer) else { return }
        members[Int(peer)]!.isComplete = true
        creditQueue.removeAll { $0 == peer }
    }

    /// A peer is gone: what only it had, or what was on its way to it alone, is offered again.
    public mutating func left(_ peer: PeerIndex) {
        guard isMember(peer), let gone = members[Int(peer)] else { return }
        if gone.wasGranted, gone.have.isEmpty { noteWaste(by: gone) }
        members[Int(peer)] = nil
        for accuser in gone.accusers { members[Int(accuser)]?.accusedCount -= 1 }
        ring.remove(peer)
        planner.forget(peer)
        creditQueue.removeAll { $0 == peer }
        writers.removeAll { $0 == peer }
        for rescue in gone.rescues where rescues[rescue.chunk]?.peer == peer { rescues[rescue.chunk] = nil }
        if !gone.takesPart, !gone.isComplete { unusedNumbers.append(peer) }
        if gone.wasGranted || !gone.have.isEmpty { offerAgain(gone, peer) }
    }

    /// What this peer has, if that counted, or is being sent does not count any more: chunks of which that is true for
    /// no other peer are as good as never sent.
    mutating func offerAgain(_ gone: OwnerMember, _ peer: PeerIndex) {
        grantsInFlight.removeAll { $0.peer == peer }
        if gone.isTrusted {
            gone.have.forEachRun { run in
                for chunk in run { holderCount[Int(chunk)] -= 1 }
            }
        }
        for chunk in 0..<layout.chunkCount {
            let first = grantee[Int(chunk)]
            if first == peer { grantee[Int(chunk)] = OwnerPolicy.nobody }
            guard holderCount[Int(chunk)] == 0 else { continue }
            let wasHandedOut = first == peer || gone.isTrusted && gone.have.contains(chunk)
            if wasHandedOut, chunk < hashedEnd, !isOnItsWay(chunk) { unsent.insert(chunk) }
        }
    }

    public func isMember(_ peer: PeerIndex) -> Bool {
        Int(peer) < members.count && members[Int(peer)] != nil
    }

    /// Every member has verified the whole file.
    public var allComplete: Bool { members.allSatisfy { $0?.isComplete ?? true } }

    /// Each chunk was handed out or is held by a live peer.
    public var firstPassIsOut: Bool { unsent.isEmpty }

    public func heldCount(_ peer: PeerIndex) -> Int {
        isMember(peer) ? members[Int(peer)]!.have.count : 0
    }

    /// A live peer was granted the chunk and does not have it yet.
    private func isOnItsWay(_ chunk: ChunkID) -> Bool {
        let first = grantee[Int(chunk)]
        return first != OwnerPolicy.nobody && isMember(first) && !members[Int(first)]!.have.contains(chunk)
    }
}
