import MillraceSwarm
import MillraceWire

extension Simulation {
    mutating func handleConnection(_ event: Event) {
        let id = Int(event.a)
        switch event.kind {
        case .connects: isConnected(id, event)
        case .accepted:
            let node = connections[id].client
            guard connections[id].isClientOpen, canHear(node, event) else { return }
            isAccepted(id, by: node)
        default: isToldOfEnd(id, bySource: event.b == 1, event)
        }
    }

    mutating func connectToOwner(_ node: Int) {
        let id = connections.count
        connections.append(Connection(client: node, source: 0, clientIndex: noMember, sourceIndex: noMember))
        nodes[node].ownerConnection = id
        queue.push(.joins, at: arrival(from: node, to: 0) + options.latencyNanoseconds, id)
    }

    /// Opens a connection to fetch from this member, unless there is one.
    mutating func connect(_ node: Int, to peer: PeerIndex) {
        guard source(peer, of: node) == nil, Int(peer) < nodeOfPeer.count else { return }
        guard let own = nodes[node].policy.selfIndex else { return }
        let other = nodeOfPeer[Int(peer)]
        guard other != node else { return }
        let id = connections.count
        connections.append(Connection(client: node, source: other, clientIndex: own, sourceIndex: peer))
        nodes[node].sources.append(id)
        queue.push(.connects, at: arrival(from: node, to: other) + options.latencyNanoseconds, id)
    }

    private mutating func isConnected(_ id: Int, _ event: Event) {
        let source = connections[id].source
        // A new process of the same machine is another member.
        guard nodes[source].isAlive, nodes[source].policy.selfIndex == connections[id].sourceIndex else {
            return refuse(id)
        }
        guard canHear(source, event) else { return }
        guard connections[id].isClientOpen else { return }
        let client = connections[id].client
        connections[id].isSourceOpen = true
        nodes[source].clients.append(id)
        nodes[source].audience = nil
        nodes[client].audience = nil
        let peer = connections[id].clientIndex
        let runs = nodes[client].listed.runs
        decide(source) { policy, now, actions in
            policy.clientConnected(peer)
            for run in runs { policy.holds(peer, run, at: now, into: &actions) }
        }
        queue.push(.accepted, at: arrival(from: source, to: client), id)
    }

    private mutating func isAccepted(_ id: Int, by node: Int) {
        connections[id].isEstablished = true
        setMutual(id, true)
        let peer = connections[id].sourceIndex
        let runs = nodes[connections[id].source].listed.runs
        let roundTrip = options.roundTripNanoseconds
        decide(node) { policy, now, actions in
            policy.sourceConnected(peer, roundTripNanoseconds: roundTrip, at: now, into: &actions)
            for run in runs { policy.holds(peer, run, at: now, into: &actions) }
        }
    }

    /// Nobody is there, or nobody the client looks for: it learns that, the source need not.
    mutating func refuse(_ id: Int) {
        queue.push(.closes, at: arrival(from: connections[id].source, to: connections[id].client), id, 1)
    }

    /// One side closes; the other learns of it after `delay`, or a latency.
    mutating func close(_ id: Int, bySource: Bool, after delay: UInt64? = nil) {
        guard bySource ? connections[id].isSourceOpen : connections[id].isClientOpen else { return }
        detach(id, fromSource: bySource)
        let (from, to) =
            bySource
            ? (connections[id].source, connections[id].client) : (connections[id].client, connections[id].source)
        queue.push(.closes, at: max(arrival(from: from, to: to), now + (delay ?? 0)), id, bySource ? 1 : 0)
    }

    private mutating func isToldOfEnd(_ id: Int, bySource: Bool, _ event: Event) {
        let node = bySource ? connections[id].client : connections[id].source
        guard bySource ? connections[id].isClientOpen : connections[id].isSourceOpen else { return }
        guard canHear(node, event) else { return }
        detach(id, fromSource: !bySource)
        tellPolicy(id, node)
        if bySource { reconnectLater(node) }
    }

    private mutating func tellPolicy(_ id: Int, _ node: Int) {
        let connection = connections[id]
        if connection.source == 0 {
            if node == 0 {
                if isOwnerThere { leaves(connection.clientIndex) }
            } else {
                nodes[node].policy.ownerLost()
            }
        } else if connection.client == node {
            guard connection.isEstablished else { return }
            decide(node) { policy, now, actions in policy.sourceLost(connection.sourceIndex, at: now, into: &actions) }
        } else {
            nodes[node].policy.clientLost(connection.clientIndex)
        }
    }

    /// A lost connection to a member that is still wanted is opened again, not at once.
    private mutating func reconnectLater(_ node: Int) {
        guard !nodes[node].isReconnecting else { return }
        nodes[node].isReconnecting = true
        let delay: UInt64 = 250_000_000
        queue.push(.reconnects, at: now + delay, node, UInt32(truncatingIfNeeded: nodes[node].incarnation))
    }

    /// One side is done with the connection; the other may not know yet.
    private mutating func detach(_ id: Int, fromSource: Bool) {
        setMutual(id, false)
        if fromSource {
            connections[id].isSourceOpen = false
            nodes[connections[id].source].clients.removeAll { $0 == id }
            dropQueue(id)
        } else {
            connections[id].isClientOpen = false
            let node = connections[id].client
            nodes[node].sources.removeAll { $0 == id }
            if nodes[node].ownerConnection == id { nodes[node].ownerConnection = nil }
            nodes[node].asked.removeAll { $0.connection == id }
            connections[id].askedCount = 0
        }
    }

    /// What was not begun is not sent; what was begun is lost.
    private mutating func dropQueue(_ id: Int) {
        let first = connections[id].queue.first
        connections[id].queue.removeAll()
        guard let first else { return }
        if connections[id].isSending {
            connections[id].queue.append(first)
        } else if connections[id].turnsLeft > 0 {
            checks.lost(first.chunk)
        }
    }

    private mutating func setMutual(_ id: Int, _ isMutual: Bool) {
        let (client, source) = (connections[id].client, connections[id].source)
        nodes[client].audience = nil
        nodes[source].audience = nil
        guard source != 0 else { return }
        for other in nodes[source].sources
        where connections[other].source == client && connections[other].isEstablished {
            connections[other].isMutual = isMutual
            connections[id].isMutual = isMutual
        }
    }
}
