import MillraceSwarm
import MillraceWire

extension Simulation {
    func handleFault(_ event: Event) {
        switch event.kind {
        case .starts: starts(nodes[Int(event.a)])
        case .dies: dies(nodes[Int(event.a)])
        case .stalls: stalls(nodes[Int(event.a)], Int(event.b))
        case .wakes: startNext(nodes[Int(event.a)])
        case .breaks: breaks()
        case .partitions:
            let partition = plan.partitions[Int(event.a)]
            story.milestone(now) { "some peers are cut off until \(milliseconds(partition.until)) ms" }
            for node in nodes.indices where partition.isCutOff[node] { mark(node, "cut off") }
        default: ownerLeavesSoon()
        }
    }

    private func starts(_ node: SimNode) {
        node.incarnation += 1
        node.isAlive = true
        node.isWelcome = false
        node.stalledUntil = 0
        node.timerAt = nil
        node.isAnnouncing = false
        node.announcedAt = nil
        node.isReconnecting = false
        node.unannounced = []
        let seed = options.seed &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(node.number) << 20 ^ node.incarnation
        node.policy = PeerPolicy(layout: layout, seed: seed, ringOnly: options.ringOnly)
        if node.incarnation == 1 {
            node.joinedAt = now
            if options.recordsArrivals {
                node.arrivals = Array(repeating: .never, count: Int(layout.chunkCount))
            }
        } else {
            mark(node.number, "comes back")
            story.milestone(now) { "peer \(node.number) comes back with \(node.disk.count) chunks" }
            restoreDisk(of: node)
        }
        story.milestone(now) { "peer \(node.number) starts" }
        connectToOwner(node)
    }

    /// Not every chunk that was stored need have survived.
    private func restoreDisk(of node: SimNode) {
        var kept = ChunkSet(chunkCount: layout.chunkCount)
        for chunk in 0..<layout.chunkCount where node.disk.contains(chunk) {
            if generator.next() % 256 < node.plan.keptOf256 {
                kept.insert(chunk)
                gainsHolder(chunk)
            }
        }
        node.disk = kept
    }

    private func dies(_ node: SimNode) {
        guard node.isAlive, node.finishedAt == nil else { return }
        mark(node.number, "dies")
        story.milestone(now) { "peer \(node.number) is killed with \(node.disk.count) chunks" }
        for id in node.sources { close(id, bySource: false, after: plan.deathNoticeNanoseconds) }
        for id in node.clients { close(id, bySource: true, after: plan.deathNoticeNanoseconds) }
        if let id = node.ownerConnection { close(id, bySource: false, after: plan.deathNoticeNanoseconds) }
        node.isAlive = false
        node.ready.removeAll()
        for run in node.disk.runs {
            for chunk in run { losesHolder(chunk) }
        }
        if let restartsAt = node.plan.restartsAt { queue.push(.starts, at: max(now + 1, restartsAt), node.number) }
    }

    private func stalls(_ node: SimNode, _ index: Int) {
        guard node.isAlive, node.finishedAt == nil else { return }
        let until = node.plan.stalls[index].until
        node.stalledUntil = max(node.stalledUntil, until)
        mark(node.number, until == .max ? "freezes" : "stalls")
        guard until == .max else {
            story.milestone(now) { "peer \(node.number) stops until \(milliseconds(until)) ms" }
            return queue.push(.wakes, at: until, node.number)
        }
        story.milestone(now) { "peer \(node.number) freezes with \(node.disk.count) chunks" }
        for run in node.disk.runs {
            for chunk in run { losesHolder(chunk) }
        }
        let notice = plan.freezeNoticeNanoseconds
        for id in node.clients { noticeSilence(id, isClientSilent: false, after: notice) }
        for id in node.sources { noticeSilence(id, isClientSilent: true, after: notice) }
        if let id = node.ownerConnection { noticeSilence(id, isClientSilent: true, after: notice) }
    }

    /// The other side gives a silent connection up after a while.
    private func noticeSilence(_ id: Int, isClientSilent: Bool, after delay: UInt64) {
        queue.push(.closes, at: now + delay, id, isClientSilent ? 0 : 1)
    }

    private func breaks() {
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
    private func cut(_ id: Int) {
        queue.push(.closes, at: now + options.latencyNanoseconds, id, 0)
        queue.push(.closes, at: now + options.latencyNanoseconds, id, 1)
    }

    private func ownerLeavesSoon() {
        guard unheldCount == 0 else {
            return queue.push(.ownerLeaves, at: now + options.chunkNanoseconds, 0)
        }
        story.milestone(now) { "the owner leaves: each chunk is held by a peer" }
        isOwnerThere = false
        mark(0, "leaves")
        for id in nodes[0].clients { close(id, bySource: true) }
        nodes[0].isAlive = false
    }

    private func mark(_ node: Int, _ text: String) {
        if options.recordsArrivals { faults.append(FaultMark(at: now, node: node, text: text)) }
    }
}
