extension OwnerPolicy {
    /// When `pump` has something to do although nothing was heard: an uplink turn that a slow reader has used up, or a
    /// grant that a silent peer has. Nil when nobody waits for either.
    public func nextDeadline(at now: UInt64) -> UInt64? {
        guard !creditQueue.isEmpty else { return nil }
        var earliest = heldBackUntil
        if let nextExpiry { earliest = min(earliest ?? .max, nextExpiry) }
        if let nextMuteCheck { earliest = min(earliest ?? .max, nextMuteCheck) }
        guard !unsent.isEmpty else { return earliest }
        for peer in writers {
            guard let bound = members[Int(peer)]?.writing.first else { continue }
            let ends = takesTurns ? [bound + turnNanoseconds, bound + waitNanoseconds] : [bound + waitNanoseconds]
            for end in ends where end > now { earliest = min(earliest ?? .max, end) }
        }
        return earliest
    }

    /// Until a chunk has left nobody knows how fast the link is; it is taken for a slow one.
    public var takesTurns: Bool {
        writeNanoseconds.map { $0 >= SwarmLimits.turnTakingNanoseconds } ?? true
    }

    /// Grants bound within the time of a turn count; older ones sit at a slow reader, not in the uplink.
    func hasRoom(at now: UInt64) -> Bool {
        guard takesTurns else { return true }
        let turns = uplinkTurns + extraTurns(at: now)
        var busy = 0
        for peer in writers {
            guard let bound = members[Int(peer)]?.writing.first, bound + turnNanoseconds > now else { continue }
            busy += 1
            if busy == turns { return false }
        }
        return true
    }

    /// One more for each chunk that the link could have sent and did not.
    func extraTurns(at now: UInt64) -> Int { tempo.owedChunkCount(at: now, limit: mostOwedChunks) }

    /// More than give every member a turn, so that what leaves in a burst does not pay for a longer pause.
    var mostOwedChunks: Int { ring.count + uplinkTurns }

    /// How long a peer that passes chunks on better is worth waiting for.
    var waitNanoseconds: UInt64 {
        SwarmLimits.turnPatienceTimes * (writeNanoseconds ?? SwarmLimits.turnTakingNanoseconds)
    }

    /// How long a turn lasts: half as long again as chunks to all whose turn it is take a link that is full.
    private var turnNanoseconds: UInt64 {
        guard let interval = tempo.intervalNanoseconds else { return waitNanoseconds }
        let (fullTurn, overflow) = interval.multipliedReportingOverflow(by: UInt64(uplinkTurns))
        return overflow ? waitNanoseconds : min(waitNanoseconds, fullTurn / 2 * 3)
    }

    /// To how many peers the owner sends at a time while its link is full.
    var uplinkTurns: Int {
        min(max(SwarmLimits.fewestUplinkTurns, (ring.count + 1) / 2), SwarmLimits.mostUplinkTurns)
    }
}
