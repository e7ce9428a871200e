import MillraceWire

/// Every request has an answer: the chunk, a reject, or the end of the connection, in bounded time.
extension Simulation {
    /// What the client waits for is on its way there, waits at the source, or is on its way back. Holds as long as both
    /// sides have the connection; a machine that was killed or froze takes with it what it was sent, until the other
    /// side gives the connection up.
    @inline(__always)
    mutating func checkAnswers(on id: Int) {
        let known =
            Int(connections[id].requestsUnderWay) + connections[id].queue.count + Int(connections[id].answersUnderWay)
        if known != Int(connections[id].askedCount) { missesAnswer(on: id, known) }
    }

    private mutating func missesAnswer(on id: Int, _ known: Int) {
        let connection = connections[id]
        guard connection.source != 0, connection.isClientOpen, connection.isSourceOpen else { return }
        let (asker, holder, count) = (connection.client, connection.source, connection.askedCount)
        guard !nodes[asker].isGone, !nodes[holder].isGone else { return }
        checks.fail("peer \(asker) waits for \(count) answers of peer \(holder), which will give \(known)")
    }

    /// When a request that leaves now, behind so many others on its connection, has an answer at the latest: all that
    /// may share a link with it has passed (more where connections break, because what they carried is sent anew),
    /// nothing is cut off or stopped any more, and who fell silent was given up.
    func answerLimit(behind count: Int) -> UInt64 {
        let turns = (plan.breaksEvery == nil ? 4 : 16) * UInt64(count + 3) * UInt64(nodes.count)
        let (waiting, overflow) = slowestChunkNanoseconds.multipliedReportingOverflow(by: turns)
        return overflow ? .max : now + min(waiting, .max / 4) + longestSilenceNanoseconds
    }

    /// Whether the source can send nothing.
    func isMuted(_ asked: Asked) -> Bool { nodes[connections[asked.connection].source].isMute(at: now) }

    /// At the end of the run: nobody waits longer than that.
    mutating func checkOldRequests() {
        for node in nodes.indices where !nodes[node].isGone {
            guard let asked = nodes[node].asked.first(where: { now > $0.answerBy && !isMuted($0) }) else { continue }
            checks.fail("peer \(node) still waits for an answer about chunk \(asked.chunk)")
        }
    }
}

extension SimPlan {
    /// How long a chunk takes on the slowest link of all.
    func slowestChunkNanoseconds(_ options: SimOptions) -> UInt64 {
        let slowest = nodes.map { min($0.uplinkBytesPerSecond, $0.downlinkBytesPerSecond) }.min() ?? 1
        return nanoseconds(UInt64(options.chunkByteCount), at: max(1, slowest))
    }

    /// All the time in which somebody may hear or say nothing although the connection stands, one after the other.
    func longestSilenceNanoseconds(_ options: SimOptions) -> UInt64 {
        var silence = 4 * options.latencyNanoseconds + deathNoticeNanoseconds + freezeNoticeNanoseconds
        for partition in partitions { silence += partition.until - partition.from }
        for stall in nodes.flatMap(\.stalls) where stall.until != .max { silence += stall.until - stall.from }
        return silence
    }
}

extension SimNode {
    /// It was killed or froze for ever; those it is connected with may not know yet.
    var isGone: Bool { !isAlive || stalledUntil == .max }
}
