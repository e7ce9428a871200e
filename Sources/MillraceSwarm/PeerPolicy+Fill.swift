import MillraceWire

extension PeerPolicy {
    /// Keeps requests in flight: the source with the fewest outstanding gives the chunk that fewest neighbours hold.
    mutating func fill(at now: UInt64, into actions: inout [PeerAction]) {
        if mustReviseSources { reviseSources(at: now, into: &actions) }
        if hasIdleRetired {
            hasIdleRetired = false
            dropRetired(at: now, into: &actions)
        }
        guard !have.isFull else { return }
        let catchUp = isBehind ? 2 : 1
        let window = catchUp * requestWindow
        guard outstandingCount < window + window / 2 else { return }
        let perSource = asksInBatches ? sourceWindow / 2 : catchUp * sourceWindow
        while mayRequest(window, at: now), let choice = choose(perSource: perSource) {
            request(choice.chunk, from: choice.index, at: now, into: &actions)
            if asksInBatches { top(up: choice.index, window, at: now, into: &actions) }
        }
    }

    /// Asks one source for as many chunks as its window takes: they come together, for one wake-up here and one there.
    private mutating func top(up index: Int, _ window: Int, at now: UInt64, into actions: inout [PeerAction]) {
        while neighbours[index].outstanding.count < sourceWindow, neighbours.wantedCount(index) > 0,
            mayRequest(window, at: now), let chunk = rarestChunk(of: index), !neighbours[index].isAsked(chunk)
        {
            request(chunk, from: index, at: now, into: &actions)
        }
    }

    private func mayRequest(_ window: Int, at now: UInt64) -> Bool {
        guard outstandingCount >= window else { return true }
        let spare = window / 2
        return outstandingCount < window + spare && outstandingCount - overdueCount(at: now, atMost: spare) < window
    }

    /// Requests that have taken much longer than usual: they wait at slow sources and must not keep slots from others.
    private func overdueCount(at now: UInt64, atMost limit: Int) -> Int {
        guard serviceNanoseconds > 0, now > SwarmLimits.overdueServiceTimes * serviceNanoseconds else { return 0 }
        let before = now - SwarmLimits.overdueServiceTimes * serviceNanoseconds
        var count = 0
        for index in neighbours.indices {
            for request in neighbours[index].outstanding where request.keepsSlot && request.at < before {
                count += 1
                if count == limit { return count }
            }
        }
        return count
    }

    mutating func request(
        _ chunk: ChunkID, from index: Int, afterVain vainCount: Int = 0, at now: UInt64,
        into actions: inout [PeerAction]
    ) {
        if pending.insert(chunk) { neighbours.wanted(chunk, false) } else { supersede(chunk, into: &actions) }
        let request = Request(chunk: chunk, at: now, lateAt: now + hedgeNanoseconds, vainCount: vainCount)
        neighbours[index].outstanding.append(request)
        outstandingCount += 1
        actions.append(.request(neighbours[index].peer, chunk))
    }

    private mutating func choose(perSource: Int) -> (index: Int, chunk: ChunkID)? {
        var tried: UInt64 = 0
        while let index = leastBusySource(perSource: perSource, besides: tried) {
            // A cancelled request for it may still wait for its answer there.
            if let chunk = rarestChunk(of: index), !neighbours[index].isAsked(chunk) { return (index, chunk) }
            tried |= neighbours[index].bit
        }
        return nil
    }

    private mutating func leastBusySource(perSource: Int, besides tried: UInt64) -> Int? {
        var best: Int?
        var ties = 0
        for index in neighbours.indices {
            guard neighbours[index].isActive, neighbours.wantedCount(index) > 0 else { continue }
            guard tried & neighbours[index].bit == 0 else { continue }
            let busy = neighbours[index].outstanding.count
            guard busy < perSource else { continue }
            if let current = best {
                let other = neighbours[current].outstanding.count
                guard busy <= other else { continue }
                ties = busy == other ? ties + 1 : 1
                guard ties == 1 || generator.next() % UInt64(ties) == 0 else { continue }
            } else {
                ties = 1
            }
            best = index
        }
        return best
    }

    /// The chunk of this source that fewest neighbours hold; of several the first after a random start, of many any.
    private mutating func rarestChunk(of index: Int) -> ChunkID? {
        let upper = min(frontier, digestCount)
        guard lowestMissing < upper else { return nil }
        let start = lowestMissing + UInt32(generator.next() % UInt64(upper - lowestMissing))
        var search = RarestSearch(source: neighbours[index].bit, seed: generator.next())
        search.scan(start..<upper, without: have, and: pending, neighbours.holders)
        search.scan(lowestMissing..<start, without: have, and: pending, neighbours.holders)
        return search.best
    }
}

/// One look for the rarest chunk of a source.
private struct RarestSearch {
    private let source: UInt64
    private var fewest = Int.max
    /// Of the chunks that so few hold: the first that was found, one drawn from them all, and how many they are.
    private var first: ChunkID?
    private var drawn: ChunkID?
    private var tieCount = 0
    private var generator: SeededGenerator
    private var candidateCount = 0
    private var chunkCount = 0

    /// The rarest of so many is rare enough.
    private static let candidateLimit = 256
    private static let chunkLimit = 65_536
    /// From so many on one is drawn. What comes first after a random start is often the end of the same gap for two
    /// that ask the same source, and neither can then pass it on to the other (five that join one by one, simulated:
    /// the second took 1.12 times the bound, now 1.04). Where few are as rare, the first is the one that others want
    /// first, too (five with uplinks of all sorts, drawn from any number: 1.46 in place of 1.34).
    private static let drawLimit = 16

    init(source: UInt64, seed: UInt64) {
        self.source = source
        generator = SeededGenerator(seed: seed)
    }

    var best: ChunkID? { tieCount < RarestSearch.drawLimit ? first : drawn }

    private var isOver: Bool {
        fewest <= 1 && tieCount >= RarestSearch.drawLimit || candidateCount >= RarestSearch.candidateLimit
            || chunkCount >= RarestSearch.chunkLimit
    }

    mutating func scan(
        _ range: Range<ChunkID>, without have: ChunkSet, and pending: ChunkSet, _ holders: [UInt64]
    ) {
        guard !range.isEmpty, !isOver else { return }
        let last = Int((range.upperBound - 1) >> 6)
        var index = Int(range.lowerBound >> 6)
        var mask = UInt64.max << UInt64(range.lowerBound & 63)
        while index <= last {
            if index == last { mask &= UInt64.max >> UInt64(63 - ((range.upperBound - 1) & 63)) }
            var word = ~have.words[index] & ~pending.words[index] & mask
            while word != 0 {
                let chunk = index * 64 + word.trailingZeroBitCount
                consider(chunk, holders[chunk])
                if isOver { return }
                word &= word - 1
            }
            mask = UInt64.max
            index += 1
        }
    }

    @inline(__always)
    private mutating func consider(_ chunk: Int, _ holders: UInt64) {
        chunkCount += 1
        guard holders & source != 0 else { return }
        candidateCount += 1
        let count = holders.nonzeroBitCount
        guard count <= fewest else { return }
        if count < fewest {
            (fewest, tieCount) = (count, 0)
            first = ChunkID(chunk)
        }
        tieCount += 1
        if generator.next() % UInt64(tieCount) == 0 { drawn = ChunkID(chunk) }
    }
}
