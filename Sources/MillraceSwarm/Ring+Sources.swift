import MillraceWire

/// Whom a member fetches from.
extension Ring {
    /// Whom `peer` fetches from, nearest first: everybody on a small ring, else the predecessors at distances that
    /// grow evenly from 1 to the ring's size. They change only when the ring doubles, and once between on a large one.
    ///
    /// - Parameter lacking: sources that give little or nothing. Behind all others comes one for each to stand in.
    public func sources(of peer: PeerIndex, standingInFor lacking: [PeerIndex] = []) -> [PeerIndex] {
        guard let position = position(of: peer), count > 1 else { return [] }
        let limit = isMiddling ? SwarmLimits.middlingSourceCount : SwarmLimits.sourceCount
        let regular = Ring.distances(memberCount: count, limit: limit)
        var distances = regular
        func member(at distance: Int) -> PeerIndex { entries[(position + count - distance) % count].peer }
        var step = 0
        while !lacking.isEmpty, step < distances.count, distances.count < 2 * regular.count {
            if lacking.contains(member(at: distances[step])),
                let other = standIn(forStep: step, among: regular, besides: distances)
            {
                distances.append(other)
            }
            step += 1
        }
        return distances.map(member)
    }

    /// The distance of a source of the lacking source itself, because that one has a reader less to serve now, and a
    /// ring on which everybody serves as many as it asks has no bottleneck; else of the nearest that is none yet.
    private func standIn(forStep step: Int, among regular: [Int], besides taken: [Int]) -> Int? {
        if step < regular.count, let matched = matched(step, among: regular), !taken.contains(matched) {
            return matched
        }
        return (1..<count).first { !taken.contains($0) }
    }

    /// The readers of one member share its sources among them, each another: the farthest readers, which have the
    /// smallest choice, first.
    private func matched(_ step: Int, among regular: [Int]) -> Int? {
        var used: [Int] = []
        for reader in regular[step...].reversed() {
            let found = regular.first { source in
                let distance = (reader + source) % count
                return distance != 0 && !regular.contains(distance) && !used.contains(source)
            }
            if reader == regular[step] { return found.map { (reader + $0) % count } }
            if let found { used.append(found) }
        }
        return nil
    }
}
