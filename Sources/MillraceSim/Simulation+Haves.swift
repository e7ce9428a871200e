import MillraceSwarm
import MillraceWire

extension Simulation {
    /// Announcements: one event for all that hear one at the same time.
    mutating func handleHaves(_ event: Event) {
        let run = event.b..<event.c
        switch event.kind {
        case .haves:
            let node = Int(event.a)
            let audience = audience(of: node)
            guard plan.partitions.isEmpty else {
                for listener in audience { hears(run, listener) }
                return
            }
            var rest = interest(of: audience, in: run)
            while rest != 0 {
                hears(run, audience[rest.trailingZeroBitCount])
                rest &= rest - 1
            }
            for listener in audience.dropFirst(64) { hears(run, listener) }
        default:
            let id = Int(event.a)
            let isClient = event.kind == .havesAtClient
            guard isClient ? connections[id].isClientOpen : connections[id].isSourceOpen else { return }
            hears(run, listener(id, isClient: isClient))
        }
    }

    /// Which of the first 64 listeners may have to do anything, a bit each. Half of all announcements are of chunks
    /// that are there already; all are looked at before anything is done, and without a branch, because then the
    /// processor waits for the memory of many nodes at a time.
    private func interest(of audience: [Listener], in run: Range<ChunkID>) -> UInt64 {
        var interested: UInt64 = 0
        for index in audience.indices.prefix(64) {
            let node = audience[index].node
            let lacksFirst = !nodes[node].policy.have.contains(run.lowerBound)
            let isInterested = lacksFirst || run.count > 1 || node == 0 || nodes[node].stalledUntil > now
            interested |= (isInterested ? 1 : 0) << UInt64(index)
        }
        return interested
    }

    /// Neighbours with two connections hear it on the one by which they fetch.
    private mutating func audience(of node: Int) -> [Listener] {
        if let audience = nodes[node].audience { return audience }
        var audience = nodes[node].clients.filter { connections[$0].isClientOpen }.map { listener($0, isClient: true) }
        for id in nodes[node].sources where !connections[id].isMutual && connections[id].isSourceOpen {
            audience.append(listener(id, isClient: false))
        }
        if let id = nodes[node].ownerConnection, connections[id].isSourceOpen {
            audience.append(listener(id, isClient: false))
        }
        nodes[node].audience = audience
        return audience
    }

    private func listener(_ id: Int, isClient: Bool) -> Listener {
        let connection = connections[id]
        return Listener(
            node: isClient ? connection.client : connection.source, connection: id, isClient: isClient,
            speaker: isClient ? connection.sourceIndex : connection.clientIndex)
    }

    @inline(__always)
    private mutating func hears(_ run: Range<ChunkID>, _ listener: Listener) {
        let node = listener.node
        guard !isSomebodyMute || !isBehindStuckChunk(listener) else { return }
        if nodes[node].stalledUntil > now || !plan.partitions.isEmpty {
            guard isReachable(run, listener, node) else { return }
        }
        guard nodes[node].isAlive else { return }
        if node == 0 {
            guard isOwnerThere else { return }
            owner.holds(listener.speaker, run, at: now)
            return pumpOwner()
        }
        decide(node) { policy, now, actions in policy.holds(listener.speaker, run, at: now, into: &actions) }
    }

    /// A chunk of a mute node is sent again and again, and what follows on that connection does not come either.
    private func isBehindStuckChunk(_ listener: Listener) -> Bool {
        let connection = connections[listener.connection]
        return listener.isClient && nodes[connection.source].isMute(at: now) && !connection.queue.isEmpty
    }

    /// Puts the announcement off for one that can't hear it now.
    private mutating func isReachable(_ run: Range<ChunkID>, _ listener: Listener, _ node: Int) -> Bool {
        let id = listener.connection
        let other = listener.isClient ? connections[id].source : connections[id].client
        let at = max(nodes[node].stalledUntil, healed(node, other, now))
        guard at > now else { return true }
        let kind: EventKind = listener.isClient ? .havesAtClient : .havesAtSource
        if at != .max { queue.push(kind, at: at, id, run.lowerBound, run.upperBound) }
        return false
    }
}
