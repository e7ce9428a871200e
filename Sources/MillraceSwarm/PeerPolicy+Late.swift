import MillraceWire

extension PeerPolicy {
    /// When `tick` has something to do next; nil when nothing can be late.
    public var nextDeadline: UInt64? {
        guard !have.isFull else { return nil }
        var earliest = strandedAt ?? .max
        for index in neighbours.indices {
            for request in neighbours[index].outstanding where !request.isSuperseded {
                earliest = min(earliest, lateAt(request, of: index))
            }
        }
        if let rescue { earliest = min(earliest, rescue.at + SwarmLimits.rescueHedgePeriods * hedgeNanoseconds) }
        return earliest == .max ? nil : earliest
    }

    /// Looks for late requests: asks another holder, and the owner when there is none. At most two sources are asked
    /// for one chunk.
    public mutating func tick(at now: UInt64, into actions: inout [PeerAction]) {
        guard !have.isFull else { return }
        let hedge = hedgeNanoseconds
        var isAnyLate = false
        if let rescue, now >= rescue.at + SwarmLimits.rescueHedgePeriods * hedge { self.rescue = nil }
        for index in neighbours.indices {
            var position = 0
            while position < neighbours[index].outstanding.count {
                let request = neighbours[index].outstanding[position]
                if !request.isSuperseded, now >= lateAt(request, of: index) {
                    neighbours[index].outstanding[position].lateAt = now + hedge
                    if request.keepsSlot { outstandingCount -= 1 }
                    neighbours[index].outstanding[position].lateCount += 1
                    tallies.late(neighbours[index].peer)
                    isAnyLate = true
                    if fallsSilent(neighbours[index], after: request) {
                        neighbours[index].isSilent = true
                        mustReviseSources = true
                        extraSources.forget(neighbours[index].peer)
                        actions.append(.noteSilence(neighbours[index].peer))
                    }
                    late(request, at: position, of: index, now, into: &actions)
                }
                position += 1
            }
        }
        if let strandedAt, now >= strandedAt {
            isAnyLate = true
            rescueStranded(at: now, into: &actions)
        }
        if isAnyLate { lateStreak = min(lateStreak + 1, SwarmLimits.hedgeDoublingLimit) }
        fill(at: now, into: &actions)
    }

    /// When a peer that waits for nothing in particular, and still lacks chunks, takes them for stranded: somebody was
    /// granted them and never passed them on. What it has asked for is nothing to wait for while all that comes comes
    /// from the owner.
    private var strandedAt: UInt64? {
        let waits = outstandingCount > 0 && asked.isEmpty && !livesOnRescues
        guard acceptsGrants, rescue == nil, !waits else { return nil }
        guard lowestMissing < digestCount else { return nil }
        return lastProgress + (rescueStreak > 0 ? 1 : SwarmLimits.strandedHedgePeriods) * hedgeNanoseconds
    }

    /// The owner answered a rescue: this member has the chunk, or will have it soon.
    public mutating func sentElsewhere(
        _ chunk: ChunkID, to peer: PeerIndex, at now: UInt64, into actions: inout [PeerAction]
    ) {
        if rescue?.chunk == chunk { rescue = (chunk, now) }
        guard !have.contains(chunk), peer != selfIndex else { return }
        guard !banned.contains(peer) else {
            // The owner may know this peer by a new number, under which it accused nobody yet.
            actions.append(.accuse(peer, chunk))
            return
        }
        guard !isRefused(chunk, by: peer) else { return ask(for: chunk, insteadOf: peer, now, into: &actions) }
        guard let index = neighbours.index(of: peer), neighbours[index].isSource else {
            if asked.count < SwarmLimits.largestWindow { asked.append((chunk, peer)) }
            actions.append(.connect(peer))
            return
        }
        // Where it has asked in vain already, it says so; where it waits, that one is named the next time.
        let earlier = neighbours[index].outstanding.first { $0.chunk == chunk }
        if let earlier, earlier.lateCount > 0 { return ask(for: chunk, insteadOf: peer, now, into: &actions) }
        if earlier == nil, neighbours.holds(index, chunk) {
            guard mayAskAnother(chunk) else { return }
            request(chunk, from: index, afterVain: vainCount(of: chunk), at: now, into: &actions)
        } else if asked.count < SwarmLimits.largestWindow {
            asked.append((chunk, peer))
        }
    }

    /// No connection to this peer came about: the chunk it was to be asked for is wanted from somebody else, at once.
    public mutating func unreached(_ peer: PeerIndex, at now: UInt64, into actions: inout [PeerAction]) {
        cannotReach(peer)
        guard let chunk = asked.first(where: { $0.peer == peer })?.chunk else { return }
        forgetAsked { $0.peer == peer }
        guard !have.contains(chunk), rescue == nil || rescue?.chunk == chunk else { return }
        ask(for: chunk, insteadOf: peer, now, into: &actions)
    }

    /// Whether few enough sources have a request for the chunk to answer.
    func mayAskAnother(_ chunk: ChunkID) -> Bool {
        var count = 0
        for index in neighbours.indices where neighbours[index].isAsked(chunk) { count += 1 }
        return count < SwarmLimits.unansweredLimit
    }

    private mutating func late(
        _ late: Request, at position: Int, of index: Int, _ now: UInt64, into actions: inout [PeerAction]
    ) {
        let vainCount = vainCount(of: late.chunk)
        let isVain = hasOwner && vainCount > SwarmLimits.vainRequestLimit
        let mayAskOwner = rescue == nil || isVain && rescue?.chunk == late.chunk
        if !(isVain && mayAskOwner), let other = otherHolder(of: late.chunk, besides: index) {
            request(late.chunk, from: other, afterVain: vainCount, at: now, into: &actions)
        } else if mayAskOwner, late.lateCount > 0 || isEndGame {
            let named = asked.first { $0.chunk == late.chunk }?.peer
            forgetAsked { $0.chunk == late.chunk }
            ask(for: late.chunk, insteadOf: named ?? neighbours[index].peer, now, into: &actions)
        }
    }

    /// How many requests for the chunk were late, one after the other.
    func vainCount(of chunk: ChunkID) -> Int {
        var count = 0
        for index in neighbours.indices {
            for request in neighbours[index].outstanding where request.chunk == chunk {
                count = max(count, request.vainCount + (request.lateCount > 0 ? 1 : 0))
            }
        }
        return count
    }

    /// A source of the ring's that has said nothing of use since a request that is late, where the ring has another to
    /// ask beside it.
    private func fallsSilent(_ neighbour: Neighbour, after request: Request) -> Bool {
        guard !neighbour.isSilent, !neighbour.isRetired, neighbour.heardAt <= request.at else { return false }
        return !ringOnly && wantedSources.count + 1 < ring.count
    }

    /// When a request counts as late: near the end earlier, if a source that has nothing to do has the chunk too.
    private func lateAt(_ request: Request, of index: Int) -> UInt64 {
        guard isEndGame, request.lateCount == 0, serviceNanoseconds > 0,
            let other = otherHolder(of: request.chunk, besides: index), neighbours[other].outstanding.isEmpty
        else { return request.lateAt }
        let patience = max(
            SwarmLimits.shortestHedgeNanoseconds, SwarmLimits.endHedgeServiceTimes * serviceNanoseconds)
        return min(request.lateAt, request.at + patience)
    }

    /// All that is missing has been asked for: a late request holds up the end.
    private var isEndGame: Bool { have.count + pending.count == Int(layout.chunkCount) }

    /// Nothing has come for a while but by rescue.
    var livesOnRescues: Bool { rescueStreak >= SwarmLimits.rescueStreakLimit }

    /// There is no use in waiting before the next.
    mutating func goOnRescuing(at now: UInt64, into actions: inout [PeerAction]) {
        if !have.isFull, strandedAt != nil { rescueStranded(at: now, into: &actions) }
    }

    private mutating func rescueStranded(at now: UInt64, into actions: inout [PeerAction]) {
        lastProgress = now
        let failed = asked.first
        let chunk = failed?.chunk ?? lowestMissing
        forgetAsked { $0.chunk == chunk }
        ask(for: chunk, insteadOf: failed?.peer, now, into: &actions)
    }

    /// A member that was a source only for what is not asked of it any more is no source of this peer's.
    mutating func forgetAsked(where isOver: ((chunk: ChunkID, peer: PeerIndex)) -> Bool) {
        let count = asked.count
        asked.removeAll(where: isOver)
        if asked.count < count { mustReviseSources = true }
    }

    private mutating func ask(
        for chunk: ChunkID, insteadOf failed: PeerIndex?, _ now: UInt64, into actions: inout [PeerAction]
    ) {
        guard let ownerDigestCount, chunk < ownerDigestCount else { return }
        rescue = (chunk, now)
        rescued.insert(chunk)
        actions.append(.rescue(chunk, from: failed))
    }

    /// The least busy other source that holds the chunk and was not asked for it; while there is an owner to ask, only
    /// the second.
    private func otherHolder(of chunk: ChunkID, besides index: Int) -> Int? {
        var best: Int?
        for other in neighbours.indices where other != index && neighbours[other].isSource {
            guard neighbours.holds(other, chunk) else { continue }
            guard !neighbours[other].isAsked(chunk) else {
                if hasOwner || !mayAskAnother(chunk) { return nil }
                continue
            }
            if let current = best,
                neighbours[current].outstanding.count <= neighbours[other].outstanding.count
            {
                continue
            }
            best = other
        }
        return best
    }
}
