import MillraceSwarm
import MillraceWire

extension Simulation {
    /// Puts a chunk behind those that wait on this connection.
    mutating func enqueue(_ outgoing: Outgoing, on id: Int) {
        connections[id].queue.append(outgoing)
        guard !connections[id].isSending, !connections[id].isReady else { return }
        becomesReady(id)
        startNext(connections[id].source)
    }

    mutating func handleUplink(_ event: Event) {
        switch event.kind {
        case .uplinkFree:
            let node = Int(event.a)
            nodes[node].isUplinkBusy = false
            startNext(node)
        default: turnEnds(Int(event.a), freesUplink: event.b == 1, event)
        }
    }

    private mutating func becomesReady(_ id: Int) {
        connections[id].isReady = true
        nodes[connections[id].source].ready.append(id)
    }

    /// Gives the uplink to the connection that has waited longest.
    mutating func startNext(_ node: Int) {
        while nodes[node].mayStartTurn(at: now), let id = nodes[node].ready.popFirst() {
            connections[id].isReady = false
            guard connections[id].isSourceOpen, let outgoing = connections[id].queue.first else { continue }
            startTurn(id, outgoing, from: node)
        }
    }

    /// The model of a link: the uplink is busy for as long as it takes to send; the bytes have arrived once they have
    /// also passed the receiver's downlink, behind all that were on their way before.
    private mutating func startTurn(_ id: Int, _ outgoing: Outgoing, from node: Int) {
        let client = connections[id].client
        if connections[id].turnsLeft == 0 {
            connections[id].turnsLeft = Int32(options.turnsPerChunk)
            checks.sent(outgoing.chunk, byOwner: node == 0)
            nodes[node].report.chunksSent += 1
        }
        let byteCount = max(1, UInt64(layout.byteCount(of: outgoing.chunk)) / UInt64(options.turnsPerChunk))
        let freeAt = now + byteCount * 1_000_000_000 / nodes[node].plan.uplinkBytesPerSecond
        nodes[client].downlinkFreeAt =
            max(now, nodes[client].downlinkFreeAt)
            + byteCount * 1_000_000_000 / nodes[client].plan.downlinkBytesPerSecond
        var doneAt = max(freeAt, nodes[client].downlinkFreeAt)
        if !plan.partitions.isEmpty { doneAt = healed(node, client, doneAt) }
        nodes[node].isUplinkBusy = true
        connections[id].isSending = true
        connections[id].deliveredAt = doneAt
        if !options.holdsBack { doneAt = freeAt }
        queue.push(.sent, at: doneAt, id, doneAt == freeAt ? 1 : 0)
        if doneAt != freeAt { queue.push(.uplinkFree, at: freeAt, node) }
    }

    private mutating func turnEnds(_ id: Int, freesUplink: Bool, _ event: Event) {
        let node = connections[id].source
        guard connections[id].isSourceOpen else {
            checks.lost(connections[id].queue.popFirst()?.chunk)
            if freesUplink { nodes[node].isUplinkBusy = false }
            return startNext(node)
        }
        guard canHear(node, event) else { return }
        if freesUplink { nodes[node].isUplinkBusy = false }
        connections[id].isSending = false
        connections[id].turnsLeft -= 1
        let outgoing = connections[id].turnsLeft == 0 ? connections[id].queue.popFirst() : nil
        if !connections[id].queue.isEmpty { becomesReady(id) }
        if let outgoing { hasLeft(outgoing, on: id) }
        checkAnswers(on: id)
        startNext(node)
    }

    private mutating func hasLeft(_ outgoing: Outgoing, on id: Int) {
        let source = connections[id].source
        let at = max(
            arrival(from: source, to: connections[id].client), connections[id].deliveredAt + options.latencyNanoseconds)
        if options.canary == .losesBytes, generator.next() % 64 == 0 { return }
        if source != 0 { connections[id].answersUnderWay += 1 }
        queue.push(.chunk, at: at, id, outgoing.chunk, outgoing.purpose.rawValue)
        if outgoing.purpose == .grant {
            owner.wrote(connections[id].clientIndex, at: now)
            pumpOwner()
        }
    }
}
