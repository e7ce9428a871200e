import MillraceWire

/// The books of what is asked for and what has come.
extension PeerPolicy {
    /// Books an answer: the request it belongs to, if any, no longer counts. Returns whether that was not cancelled.
    @discardableResult
    mutating func settle(
        _ chunk: ChunkID, from origin: ChunkOrigin, at now: UInt64, into actions: inout [PeerAction]
    ) -> Bool {
        lateStreak = 0
        switch origin {
        case .grant:
            creditsOutstanding = max(0, creditsOutstanding - 1)
            grantPace.arrival(at: now)
        case .rescue:
            if rescue?.chunk == chunk { rescue = nil }
        case .peer(let peer):
            guard let index = neighbours.index(of: peer), let request = takeRequest(chunk, from: index) else {
                return false
            }
            heard(index, at: now)
            neighbours[index].refusalCount = 0
            gave(index, into: &actions)
            if neighbours[index].isIdleRetired { hasIdleRetired = true }
            let sample = now > request.at ? now - request.at : 0
            tallies.answered(peer, after: sample)
            reviewExtraSources(peer, at: now, into: &actions)
            serviceNanoseconds =
                serviceNanoseconds == 0 ? sample : serviceNanoseconds - serviceNanoseconds / 8 + sample / 8
            return !request.isSuperseded
        case .disk: break
        }
        return false
    }

    /// Cancels what is asked for a chunk, wherever that was.
    mutating func supersede(_ chunk: ChunkID, into actions: inout [PeerAction]) {
        for index in neighbours.indices {
            guard let position = neighbours[index].outstanding.firstIndex(where: { $0.chunk == chunk }) else {
                continue
            }
            guard !neighbours[index].outstanding[position].isSuperseded else { continue }
            if neighbours[index].outstanding[position].keepsSlot { outstandingCount -= 1 }
            neighbours[index].outstanding[position].isSuperseded = true
            actions.append(.cancel(neighbours[index].peer, chunk))
        }
    }

    mutating func takeRequest(_ chunk: ChunkID, from index: Int) -> Request? {
        guard let position = neighbours[index].outstanding.firstIndex(where: { $0.chunk == chunk }) else { return nil }
        let request = neighbours[index].outstanding.remove(at: position)
        if request.keepsSlot { outstandingCount -= 1 }
        return request
    }

    /// The chunk is asked for nowhere now.
    mutating func release(_ chunk: ChunkID) {
        if pending.remove(chunk) { neighbours.wanted(chunk, true) }
    }
}
