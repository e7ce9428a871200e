import MillraceWire

/// The members of a swarm in ring order. A member's predecessor is its download neighbour; the chords are the
/// predecessors further back (Stoica et al., "Chord", 2002, with distances spread evenly over the powers).
public struct Ring: Sendable, Equatable {
    public private(set) var entries: [RosterEntry] = []

    public init(_ entries: [RosterEntry] = []) {
        self.entries = entries
    }

    public var count: Int { entries.count }

    var isSmall: Bool { count < SwarmLimits.middlingRingCount }
    var isLarge: Bool { count > SwarmLimits.largeRingCount }
    var isMiddling: Bool { !isSmall && !isLarge }

    public func position(of peer: PeerIndex) -> Int? {
        entries.firstIndex { $0.peer == peer }
    }

    public func entry(of peer: PeerIndex) -> RosterEntry? {
        position(of: peer).map { entries[$0] }
    }

    public mutating func insert(_ entry: RosterEntry, at position: Int) {
        entries.insert(entry, at: position)
    }

    /// Returns false if the peer was no member.
    @discardableResult
    public mutating func remove(_ peer: PeerIndex) -> Bool {
        guard let position = position(of: peer) else { return false }
        entries.remove(at: position)
        return true
    }

    /// Replaces or extends the ring by a part of a roster as it comes over the wire.
    public mutating func apply(_ part: RosterMessage) throws(WireError) {
        if part.start == 0 { entries.removeAll() }
        guard Int(part.start) == entries.count else { throw .badField(.roster, field: "start") }
        var known = Set(entries.map(\.peer))  // lookup only
        for entry in part.entries where !known.insert(entry.peer).inserted {
            throw .badField(.roster, field: "entries")
        }
        entries.append(contentsOf: part.entries)
    }

    /// Distances that grow evenly, below `memberCount`, with n the number of members rounded up to a power of two:
    /// round(n^(j/limit)) for j = 0, 1, ...; on a large ring as far as 3 n / 4, because with the last at n / 2 or less
    /// chunks go round it the long way (256 peers: 1.043 times the bound, this way 1.037), and spread over the
    /// remainders of a division by four.
    static func distances(memberCount: Int, limit: Int) -> [Int] {
        guard memberCount > limit + 1 else { return Array(1..<max(memberCount, 1)) }
        let size = Double(1 << (Int.bitWidth - (memberCount - 1).leadingZeroBitCount))
        let isLarge = memberCount > SwarmLimits.largeRingCount
        let (longest, steps) = isLarge ? (size * 3 / 4, max(limit - 1, 1)) : (size, limit)
        var distances: [Int] = []
        for step in 0..<limit {
            var distance = Int(power(longest, Double(step) / Double(steps)).rounded())
            if isLarge { distance = Ring.spread(distance, step) }
            if distance < memberCount, distances.last.map({ $0 < distance }) ?? true { distances.append(distance) }
        }
        return distances
    }

    /// The nearest distance that leaves the remainder `step` + 1 when it is divided by four. Else a ring on which every
    /// fourth member is slow may have members with half of their sources slow: 1,000 peers took 1.20 times the bound,
    /// this way 1.09.
    private static func spread(_ distance: Int, _ step: Int) -> Int {
        distance + (step + 3 - distance % 4) % 4 - 2
    }

    /// A power with an exponent from 0 to 1, by square roots: the same on every machine.
    private static func power(_ base: Double, _ exponent: Double) -> Double {
        guard exponent < 1 else { return base }
        var (result, root, rest) = (1.0, base, exponent)
        for _ in 0..<40 {
            root = root.squareRoot()
            rest *= 2
            guard rest >= 1 else { continue }
            result *= root
            rest -= 1
        }
        return result
    }
}

/// Where a newcomer goes on the ring, so that the neighbours that users gave are the neighbours peers have.
struct RingPlanner: Sendable {
    /// Who named which address as its download neighbour, in join order.
    private var wishes: [(peer: PeerIndex, neighbour: PeerAddress)] = []

    /// The position for a newcomer: in front of whoever waits for it, else behind the neighbour it named, else last.
    mutating func position(for newcomer: RosterEntry, neighbour: PeerAddress, on ring: Ring) -> Int {
        defer {
            if neighbour.host != .none { wishes.append((newcomer.peer, neighbour)) }
        }
        if let waiting = wishes.first(where: { $0.neighbour == newcomer.address }),
            let position = ring.position(of: waiting.peer)
        {
            return position
        }
        if neighbour.host != .none, let position = ring.entries.firstIndex(where: { $0.address == neighbour }) {
            return position + 1
        }
        return ring.count
    }

    mutating func forget(_ peer: PeerIndex) {
        wishes.removeAll { $0.peer == peer }
    }
}
