import MillraceWire

/// What the owner knows of one peer.
struct OwnerMember: Sendable {
    /// Where its connection comes from.
    let host: PeerAddress.Host
    var have: ChunkSet
    /// It was sent a chunk, or is being sent one.
    var wasGranted = false
    var credits = 0
    /// Those of them that are not in the queue yet.
    var heldCredits = 0
    /// Grants bound to this peer and not yet written to its socket, oldest first, with the time each was bound.
    var writing: [UInt64] = []
    /// When the last of them had been written.
    var lastWrote: UInt64 = 0
    /// The average time a chunk takes to leave for its socket.
    var writeNanoseconds: UInt64?
    /// The average time from a grant to its being listed.
    var listNanoseconds: UInt64?
    /// When it last listed a chunk that it did not list before.
    var heardAt: UInt64 = 0
    /// Granted chunks that no other peer has announced yet.
    var unreplicated = 0
    var passingOn = PassingOn()
    /// When a chunk that it was granted was last seen at another.
    var passedOnAt: UInt64?
    /// Rescues of chunks that were granted to this peer; each chunk that it passes on makes up for one.
    var strikes = 0
    /// Grants that were offered to others since it last listed a chunk, the latest last.
    var lapsed: [Grant] = []
    /// Grants that it has listed, with the time of that, the latest last; no more than may be offered again.
    var listed: [Grant] = []
    /// Those that were offered again although it has them, since it fell silent.
    var unheard: [ChunkID] = []
    var accusers: [PeerIndex] = []
    /// Those that were told to ask it for a chunk that it lists, and got nothing.
    var doubters: [PeerIndex] = []
    /// They are enough.
    var isDoubted = false
    /// How many members it accuses.
    var accusedCount = 0
    /// Rescued chunks on their way to this peer, which would only come twice if they were sent again.
    var rescues: [(chunk: ChunkID, at: UInt64)] = []
    /// The last that it asked for when those were too many; it asks for one at a time.
    var heldRescue: (chunk: ChunkID, failed: PeerIndex?)?
    /// Whom it was last told to ask, and how many it has asked in vain since it got a chunk from a peer.
    var lastAsk: (chunk: ChunkID, peer: PeerIndex)?
    var vainAskCount = 0
    var isComplete = false
    /// It has a place on the ring: others may depend on it.
    var takesPart = false

    /// Nobody says that it sends bad chunks, and not several that it sends none: what it lists counts as held.
    var isTrusted: Bool { accusers.isEmpty && !isDoubted }

    /// What it is granted is likely lost to the rest.
    var waitsForOthers: Bool {
        strikes >= SwarmLimits.strikeLimit || lapsed.count >= SwarmLimits.strikeLimit || !isTrusted
    }

    /// Credits that stand in the owner's queue.
    var queuedCredits: Int { credits - heldCredits }

    /// It takes chunks, and what it is granted is likely passed on.
    var isGoodRelay: Bool { takesPart && !isComplete && !waitsForOthers }

    mutating func noteListed(_ grant: Grant) {
        if listed.count == SwarmLimits.unheardListedLimit { listed.removeFirst() }
        listed.append(grant)
    }

    /// Others can't be reached from where it is, behind a firewall perhaps: the owner is all it has.
    var reachesNobody: Bool { vainAskCount >= SwarmLimits.vainAskLimit }
}

/// A chunk that was handed out and that the peer does not list yet.
struct Grant: Sendable {
    let peer: PeerIndex
    let chunk: ChunkID
    let at: UInt64
}
