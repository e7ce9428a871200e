import MillraceWire

// What a status page may see of the policies: values only, so that a copy of a policy can be looked at without a lock.

extension OwnerPolicy {
    /// What a member says it holds; nil for one that is gone.
    public func held(by peer: PeerIndex) -> ChunkSet? {
        isMember(peer) ? members[Int(peer)]?.have : nil
    }

    /// How often others had to be helped because this member did not pass on what it was granted.
    public func strikeCount(of peer: PeerIndex) -> Int {
        isMember(peer) ? members[Int(peer)]?.strikes ?? 0 : 0
    }
}

/// Another peer as this one sees it.
public struct NeighbourView: Sendable, Equatable {
    public let peer: PeerIndex
    /// This peer fetches from it.
    public let isSource: Bool
    /// It fetches from this peer.
    public let isClient: Bool
    /// Requests it has not answered yet.
    public let outstandingCount: Int
    /// What it was heard to hold.
    public let held: ChunkSet
}

extension PeerPolicy {
    /// The neighbours in the order in which they came. Looks at each chunk once for each of them.
    public var neighbourViews: [NeighbourView] {
        neighbours.all.indices.map { index in
            let neighbour = neighbours[index]
            return NeighbourView(
                peer: neighbour.peer, isSource: neighbour.isSource, isClient: neighbour.isClient,
                outstandingCount: neighbour.outstanding.count { !$0.isSuperseded }, held: neighbours.held(by: index))
        }
    }
}

extension Neighbourhood {
    func held(by index: Int) -> ChunkSet {
        var held = ChunkSet(chunkCount: UInt32(holders.count))
        var start: Int?
        for chunk in 0...holders.count {
            let isHeld = chunk < holders.count && holds(index, ChunkID(chunk))
            if isHeld {
                start = start ?? chunk
            } else if let first = start {
                held.insert(ChunkID(first)..<ChunkID(chunk))
                start = nil
            }
        }
        return held
    }
}
