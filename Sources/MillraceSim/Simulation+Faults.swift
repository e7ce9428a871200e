import MillraceSwarm
import MillraceWire

extension Simulation {
    mutating func handleFault(_ event: Event) {
        switch event.kind {
        case .starts: starts(Int(event.a))
        case .dies: dies(Int(event.a))
        case .stalls: stalls(Int(event.a), Int(event.b))
        case .wakes: startNext(Int(event.a))
        case .breaks: breaks()
        case .partitions:
            let partition = plan.partitions[Int(event.a)]
            story.milestone(now) { "some peers are cut off until \(milliseconds(partition.until)) ms" }
            for node in nodes.indices where partition.isCutOff[node] { mark(node, "cut off") }
        default: ownerLeavesSoon()
        }
    }

    private mutating func starts(_ node: Int) {
        nodes[node].incarnation += 1
        nodes[node].isAlive = true
        nodes[node].isWelcome = false
        nodes[node].stalledUntil = 0
        nodes[node].timerAt = nil
        nodes[node].isAnnouncing = false
        nodes[node].announcedAt = nil
        nodes[node].isReconnecting = false
        nodes[node].unannounced = []
        let seed = options.seed &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(node) << 20 ^ nodes[node].incarnation
        nodes[node].policy = PeerPolicy(layout: layout, seed: seed, ringOnly: options.ringOnly)
        if nodes[node].incarnation == 1 {
            nodes[node].joinedAt = now
            if options.recordsArrivals {
                nodes[node].arrivals = Array(repeating: .never, count: Int(layout.chunkCount))
            }
        } else {
            mark(node, "comes back")
            story.milestone(now) { "peer \(node) comes back with \(nodes[node].disk.count) chunks" }
            restoreDisk(of: node)
        }
        story.milestone(now) { "peer \(node) starts" }
        connectToOwner(node)
    }

    /// Not every chunk that was stored need have survived.
    private mutating func restoreDisk(of node: Int) {
        var kept = ChunkSet(chunkCount: layout.chunkCount)
        for chunk in 0..<layout.chunkCount where nodes[node].disk.contains(chunk) {
            if generator.next() % 256 < nodes[node].plan.keptOf256 {
                kept.insert(chunk)
                gainsHolder(chunk)
            }
        }
        nodes[node].disk = kept
    }

    private mutating func dies(_ node: Int) {
        guard nodes[node].isAlive, nodes[node].finishedAt == nil else { return }
        mark(node, "dies")
        story.milestone(now) { "peer \(node) is killed with \(nodes[node].disk.count) chunks" }
        for id in nodes[node].sources { close(id, bySource: false, after: plan.deathNoticeNanoseconds) }
        for id in nodes[node].clients { close(id, bySource: true, after: plan.deathNoticeNanoseconds) }
        if let id = nodes[node].ownerConnection { close(id, bySource: false, after: plan.deathNoticeNanoseconds) }
        nodes[node].isAlive = false
        nodes[node].ready.removeAll()
        for run in nodes[node].disk.runs {
            for chunk in run { losesHolder(chunk) }
        }
        if let restartsAt = nodes[node].plan.restartsAt { queue.push(.starts, at: max(now + 1, restartsAt), node) }
    }

    private mutating func stalls(_ node: Int, _ index: Int) {
        guard nodes[node].isAlive, nodes[node].finishedAt == nil else { return }
        let until = nodes[node].plan.stalls[index].until
        nodes[node].stalledUntil = max(nodes[node].stalledUntil, until)
        mark(node, until == .max ? "freezes" : "stalls")
        guard until == .max else {
            story.milestone(now) { "peer \(node) stops until \(milliseconds(until)) ms" }
            return queue.push(.wakes, at: until, node)
        }
        story.milestone(now) { "peer \(node) freezes with \(nodes[node].disk.count) chunks" }
        for run in nodes[node].disk.runs {
            for chunk in run { losesHolder(chunk) }
        }
        let notice = plan.freezeNoticeNanoseconds
        for id in nodes[node].clients { noticeSilence(id, isClientSilent: false, after: notice) }
        for id in nodes[node].sources { noticeSilence(id, isClientSilent: true, after: notice) }
        if let id = nodes[node].ownerConnection { noticeSilence(id, isClientSilent: true, after: notice) }
    }

    /// The other side gives a silent connection up after a while.
    private mutating func noticeSilence(_ id: Int, isClientSilent: Bool, after delay: UInt64) {
        queue.push(.closes, at: now + delay, id, isClientSilent ? 0 : 1)
    }

    private mutating func breaks() {
        guard now <= plan.breaksUntil, let every = plan.breaksEvery else { return }
        queue.push(.breaks, at: now + 1 + generator.next() % (2 * every), 0)
        guard !connections.isEmpty else { return }
        // Recent connections are the likely ones to be open; a few tries find one.
        for _ in 0..<4 {
            let id = Int(generator.next() % UInt64(connections.count))
            guard connections[id].isClientOpen, connections[id].isSourceOpen, connections[id].isEstablished else {
                continue
            }
            story.milestone(now) {
                "the connection of peer \(connections[id].client) to node \(connections[id].source) breaks"
            }
            cut(id)
            return
        }
    }

    /// Both sides learn of it a latency later; what is on the way is lost with it.
    private mutating func cut(_ id: Int) {
        queue.push(.closes, at: now + options.latencyNanoseconds, id, 0)
        queue.push(.closes, at: now + options.latencyNanoseconds, id, 1)
    }

    private mutating func ownerLeavesSoon() {
        guard unheldCount == 0 else {
            return queue.push(.ownerLeaves, at: now + options.chunkNanoseconds, 0)
        }
        story.milestone(now) { "the owner leaves: each chunk is held by a peer" }
        isOwnerThere = false
        mark(0, "leaves")
        for id in nodes[0].clients { close(id, bySource: true) }
        nodes[0].isAlive = false
    }

    private mutating func mark(_ node: Int, _ text: String) {
        if options.recordsArrivals { faults.append(FaultMark(at: now, node: node, text: text)) }
    }
}
