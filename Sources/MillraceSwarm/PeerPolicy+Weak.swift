import MillraceWire

/// What sources give, compared: another is asked beside one that gives far less than the others. Its readers would else
/// take more from the rest of their sources, whose links have none to spare.
extension PeerPolicy {
    /// A source has given a chunk.
    mutating func gave(_ index: Int, into actions: inout [PeerAction]) {
        neighbours[index].givenCount += 1
        givenCount += 1
        guard givenCount >= SwarmLimits.comparedChunkCount * activeSourceCount else { return }
        compareSources(into: &actions)
        compareAnew()
    }

    /// Counts from the beginning.
    mutating func compareAnew() {
        givenCount = 0
        for index in neighbours.indices { neighbours[index].givenCount = 0 }
    }

    private var activeSourceCount: Int { neighbours.all.count { $0.isActive } }

    /// On a small ring there is hardly another to ask, and of a large one's eight sources one is not missed.
    private mutating func compareSources(into actions: inout [PeerAction]) {
        let mayBeWeak = ring.isMiddling && !ringOnly
        for index in neighbours.indices where neighbours[index].isActive {
            let was = neighbours[index].isWeak
            let isWeak = mayBeWeak && isWeak(index, was: was)
            guard isWeak != was else { continue }
            neighbours[index].isWeak = isWeak
            mustReviseSources = true
            guard isWeak else { continue }
            extraSources.forget(neighbours[index].peer)
            actions.append(.noteWeakness(neighbours[index].peer))
        }
    }

    /// Half of the sources have given several times as much. Who has nothing that this peer lacks can't be compared.
    private func isWeak(_ index: Int, was: Bool) -> Bool {
        guard neighbours.wantedCount(index) > 0 || !neighbours[index].outstanding.isEmpty else { return was }
        let times = was ? SwarmLimits.weakAgainTimes : SwarmLimits.weakTimes
        let limit = times * neighbours[index].givenCount
        let betterCount = neighbours.all.count { $0.isActive && $0.givenCount > limit }
        return 2 * betterCount >= activeSourceCount
    }
}
