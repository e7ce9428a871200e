import MillraceSwarm
import MillraceWire
import Testing

let millisecond: UInt64 = 1_000_000

func layout(_ chunkCount: UInt32, chunkByteCount: UInt32 = 1024) -> ChunkLayout {
    try! ChunkLayout(fileByteCount: UInt64(chunkCount) * UInt64(chunkByteCount), chunkByteCount: chunkByteCount)
}

func address(_ number: UInt32) -> PeerAddress {
    PeerAddress(host: .v4(0x0A00_0000 + number), port: 9000)
}

func ring(_ peers: [PeerIndex]) -> Ring {
    Ring(peers.map { RosterEntry(peer: $0, address: address($0)) })
}

/// An owner with all chunks hashed and some peers, driven by hand.
struct OwnerBench {
    var policy: OwnerPolicy
    var now: UInt64 = 0

    init(chunks: UInt32, peers: Int, hashed: UInt32? = nil) {
        policy = OwnerPolicy(layout: layout(chunks))
        policy.hashed(0..<(hashed ?? chunks))
        for number in 0..<UInt32(peers) { _ = policy.join(address: address(number)) }
    }

    mutating func pump() -> [OwnerAction] {
        var actions: [OwnerAction] = []
        policy.pump(at: now, into: &actions)
        return actions
    }

    /// What is handed out once nobody is waited for any more, at the time of that.
    mutating func pumpInTime() -> [OwnerAction] {
        while true {
            let actions = pump()
            guard actions.isEmpty, let deadline = policy.nextDeadline(at: now), deadline > now else { return actions }
            now = deadline
        }
    }

    mutating func rescue(_ peer: PeerIndex, _ chunk: ChunkID, from failed: PeerIndex?) -> [OwnerAction] {
        var actions: [OwnerAction] = []
        policy.rescue(peer, chunk, from: failed, at: now, into: &actions)
        return actions
    }

    /// The grant leaves and is listed: the uplink is free again.
    mutating func deliver(_ chunk: ChunkID, to peer: PeerIndex, after delay: UInt64 = 4 * millisecond) {
        now += delay
        policy.wrote(peer, at: now)
        policy.holds(peer, chunk..<(chunk + 1), at: now)
    }

    mutating func holds(_ peer: PeerIndex, _ chunk: ChunkID) {
        policy.holds(peer, chunk..<(chunk + 1), at: now)
    }

    /// Grants so many chunks to these peers in turn, each listed after the delay and seen at another peer at once.
    mutating func handOut(
        _ count: Int, to peers: [PeerIndex], after delay: UInt64, seenAt other: (PeerIndex) -> PeerIndex
    ) throws {
        for index in 0..<count {
            let peer = peers[index % peers.count]
            try policy.credit(peer, count: 1)
            guard case .grant(peer, let chunk)? = pump().first else {
                Issue.record("peer \(peer) is granted nothing")
                return
            }
            deliver(chunk, to: peer, after: delay)
            holds(other(peer), chunk)
        }
    }
}

/// A peer with number 0 on a ring, all digests known, driven by hand.
struct PeerBench {
    var policy: PeerPolicy
    var now: UInt64 = 1_000_000_000
    var actions: [PeerAction] = []

    init(
        chunks: UInt32, sources: [PeerIndex] = [], digests: UInt32? = nil, seed: UInt64 = 1,
        chunkByteCount: UInt32 = 1024, ringOnly: Bool = false
    ) {
        policy = PeerPolicy(
            layout: layout(chunks, chunkByteCount: chunkByteCount), seed: seed, ringOnly: ringOnly)
        policy.welcomed(as: 0)
        policy.digestsKnown(below: digests ?? chunks, at: now, into: &actions)
        policy.rosterChanged(ring([0] + sources), at: now, into: &actions)
        for source in sources { policy.sourceConnected(source, at: now, into: &actions) }
        actions = []
    }

    mutating func take() -> [PeerAction] {
        defer { actions = [] }
        return actions
    }

    mutating func holds(_ peer: PeerIndex, _ run: Range<ChunkID>) {
        policy.holds(peer, run, at: now, into: &actions)
    }

    mutating func verified(_ chunk: ChunkID, from origin: ChunkOrigin) {
        policy.verified(chunk, from: origin, at: now, into: &actions)
    }

    /// A source sends the first of what it was asked for, if there is any.
    mutating func answer(from source: PeerIndex, of open: inout [(peer: PeerIndex, chunk: ChunkID)]) {
        guard let place = open.firstIndex(where: { $0.peer == source }) else { return }
        verified(open.remove(at: place).chunk, from: .peer(source))
    }

    mutating func tick() { policy.tick(at: now, into: &actions) }

    mutating func start() { policy.startGrants(at: now, into: &actions) }
}

extension [PeerAction] {
    var requests: [(peer: PeerIndex, chunk: ChunkID)] {
        compactMap { if case .request(let peer, let chunk) = $0 { (peer, chunk) } else { nil } }
    }

    var rescues: [ChunkID] {
        compactMap { if case .rescue(let chunk, _) = $0 { chunk } else { nil } }
    }
}
