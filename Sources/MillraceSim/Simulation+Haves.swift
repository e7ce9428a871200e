import MillraceSwarm
import MillraceWire

extension Simulation {
    /// Announcements: one event for all that hear one at the same time.
    func handleHaves(_ event: Event) {
        let run = event.b..<event.c
        switch event.kind {
        case .haves:
            let node = nodes[Int(event.a)]
            for listener in audience(of: node) { hears(run, listener) }
        default:
            let id = Int(event.a)
            let isClient = event.kind == .havesAtClient
            guard isClient ? connections[id].isClientOpen : connections[id].isSourceOpen else { return }
            hears(run, listener(id, isClient: isClient))
        }
    }

    /// Neighbours with two connections hear it on the one by which they fetch.
    private func audience(of node: SimNode) -> [Listener] {
        if let audience = node.audience { return audience }
        var audience = node.clients.filter { connections[$0].isClientOpen }.map { listener($0, isClient: true) }
        for id in node.sources where !connections[id].isMutual && connections[id].isSourceOpen {
            audience.append(listener(id, isClient: false))
        }
        if let id = node.ownerConnection, connections[id].isSourceOpen {
            audience.append(listener(id, isClient: false))
        }
        node.audience = audience
        return audience
    }

    private func listener(_ id: Int, isClient: Bool) -> Listener {
        let connection = connections[id]
        return Listener(
            node: isClient ? connection.client : connection.source, connection: id, isClient: isClient,
            speaker: isClient ? connection.sourceIndex : connection.clientIndex)
    }

    @inline(__always)
    private func hears(_ run: Range<ChunkID>, _ listener: Listener) {
        let node = nodes[listener.node]
        if node.stalledUntil > now || !plan.partitions.isEmpty {
            guard isReachable(run, listener, node) else { return }
        }
        guard node.isAlive else { return }
        if node.number == 0 {
            guard isOwnerThere else { return }
            owner.holds(listener.speaker, run, at: now)
            return pumpOwner()
        }
        decide(node) { policy, actions in policy.holds(listener.speaker, run, at: now, into: &actions) }
    }

    /// Puts the announcement off for one that can't hear it now.
    private func isReachable(_ run: Range<ChunkID>, _ listener: Listener, _ node: SimNode) -> Bool {
        let id = listener.connection
        let other = listener.isClient ? connections[id].source : connections[id].client
        let at = max(node.stalledUntil, healed(node.number, other, now))
        guard at > now else { return true }
        let kind: EventKind = listener.isClient ? .havesAtClient : .havesAtSource
        if at != .max { queue.push(kind, at: at, id, run.lowerBound, run.upperBound) }
        return false
    }
}
