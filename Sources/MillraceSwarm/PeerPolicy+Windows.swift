import MillraceWire

/// How much is in flight and how often neighbours are told: by the rate at which chunks come and the ring's size.
extension PeerPolicy {
    /// How far apart additions to the chunk ID list go out to neighbours.
    public var announceNanoseconds: UInt64 { pace.announceNanoseconds(batch: announceBatch) }

    /// The same for additions that go to the owner, which hears of all peers: the more they are, the fewer messages
    /// each may send. Who gets nothing but from the owner tells it at once, which sends only so many that are not
    /// listed yet.
    public var ownerAnnounceNanoseconds: UInt64 {
        guard !isComplete, !livesOnRescues else { return 0 }
        let share = max(SwarmLimits.leastOwnerAnnounceBatch, ring.count / SwarmLimits.ownerAnnounceShare)
        return pace.announceNanoseconds(batch: max(announceBatch, share))
    }

    private var announceBatch: Int { asksInBatches ? SwarmLimits.fastAnnounceBatch : 1 }

    /// Leaves the owner as many chunks to send as cover the round trip; in batches where there are many.
    mutating func topUpCredits(into actions: inout [PeerAction]) {
        guard acceptsGrants, selfIndex != nil, !have.isFull else { return }
        let base = ring.isLarge ? 1 : SwarmLimits.creditWindow
        let own = grantPace.scale(
            overWindow: base, chunkByteCount: layout.chunkByteCount, covering: windowNanoseconds)
        let scale = asksInBatches ? max(own, windowScale) : own
        let target = min(base * scale, WireLimits.largestOutstandingCount)
        let missing = target - creditsOutstanding
        guard missing > target / (asksInBatches ? 2 : 4) || creditsOutstanding == 0, missing > 0 else { return }
        creditsOutstanding += missing
        actions.append(.credit(missing))
    }

    /// How long what is in flight must last: several round trips, and on a LAN more than that. The shortest round trip
    /// counts, because windows make what waits in queues.
    private var windowNanoseconds: UInt64 {
        let roundTrip = min(roundTripNanoseconds ?? 0, SwarmLimits.longestRoundTripNanoseconds)
        return max(SwarmLimits.windowNanoseconds, SwarmLimits.windowRoundTrips * roundTrip)
    }

    mutating func note(roundTripNanoseconds measured: UInt64?) {
        guard let measured else { return }
        roundTripNanoseconds = min(roundTripNanoseconds ?? .max, measured)
    }

    /// Several sources hold much that this peer lacks: where it asks one chunk of each, and their uplinks are busy with
    /// what others ask, it would never make up for what it has once lost.
    var isBehind: Bool {
        guard sourceWindow == windowScale, !asksInBatches else { return false }
        var count = 0
        for index in neighbours.indices where neighbours[index].isActive {
            guard neighbours.wantedCount(index) >= SwarmLimits.behindChunkCount else { continue }
            count += 1
            if count == SwarmLimits.behindSourceCount { return true }
        }
        return false
    }

    /// Sizes the windows for the rate at which chunks come, the number of sources there are and the ring.
    mutating func sizeWindows() {
        let sourceCount = neighbours.all.count { $0.isSource }
        let base = SwarmLimits.requestWindow
        let isFast = !ring.isLarge && pace.isFast(chunkByteCount: layout.chunkByteCount)
        windowScale = pace.scale(
            overWindow: base, chunkByteCount: layout.chunkByteCount, covering: windowNanoseconds,
            atLeast: isFast ? SwarmLimits.fastWindowTimes : 1)
        requestWindow = base * windowScale
        sourceWindow = requestsPerSource(of: sourceCount) * windowScale
        asksInBatches = isFast && windowScale > 1
    }

    private func requestsPerSource(of sourceCount: Int) -> Int {
        if !ring.isSmall, !ringOnly { return 1 }
        return sourceCount <= 2 ? SwarmLimits.requestWindowPerFewSources : SwarmLimits.requestWindowPerSource
    }
}
