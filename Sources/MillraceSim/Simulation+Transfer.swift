import MillraceSwarm
import MillraceWire

extension Simulation {
    /// Requests and their answers: a chunk or a reject for each, once.
    mutating func handleTransfer(_ event: Event) {
        let id = Int(event.a)
        switch event.kind {
        case .request, .cancel:
            let source = connections[id].source
            guard connections[id].isSourceOpen, canHear(source, event) else { return }
            if event.kind == .request { isAsked(id, event.b) } else { cancels(id, event.b) }
        case .reject:
            let client = connections[id].client
            guard connections[id].isClientOpen, canHear(client, event) else { return }
            isRejected(id, event.b, RejectReason(rawValue: UInt8(event.c)) ?? .notHeld, client)
        default:
            let client = connections[id].client
            guard connections[id].isClientOpen, nodes[client].isAlive, nodes[client].stalledUntil != .max else {
                return checks.lost(event.b)
            }
            guard canHear(client, event) else { return }
            arrives(event.b, on: id, at: client, ChunkPurpose(rawValue: event.c) ?? .answer)
        }
        checkAnswers(on: id)
    }

    private mutating func isAsked(_ id: Int, _ chunk: ChunkID) {
        connections[id].requestsUnderWay -= 1
        if options.canary == .dropsRequest, generator.next() % 32 == 0 { return }
        let source = connections[id].source
        guard !nodes[source].plan.refuses else { return reject(id, chunk, .overloaded) }
        guard nodes[source].disk.contains(chunk) else { return reject(id, chunk, .notHeld) }
        enqueue(Outgoing(chunk: chunk, purpose: .answer), on: id)
    }

    private mutating func cancels(_ id: Int, _ chunk: ChunkID) {
        let begun = connections[id].isSending || connections[id].turnsLeft > 0 ? 1 : 0
        guard connections[id].queue.remove(from: begun, where: { $0.chunk == chunk }) != nil else { return }
        reject(id, chunk, .cancelled)
    }

    private mutating func reject(_ id: Int, _ chunk: ChunkID, _ reason: RejectReason) {
        let at = arrival(from: connections[id].source, to: connections[id].client)
        connections[id].answersUnderWay += 1
        queue.push(.reject, at: at, id, chunk, UInt32(reason.rawValue))
    }

    private mutating func isRejected(_ id: Int, _ chunk: ChunkID, _ reason: RejectReason, _ node: Int) {
        isAnswered(id, chunk, node)
        story.detail(now) { "peer \(node) is refused chunk \(chunk): \(reason)" }
        let peer = connections[id].sourceIndex
        decide(node) { policy, now, actions in
            policy.rejected(chunk, by: peer, reason: reason, at: now, into: &actions)
        }
    }

    private mutating func isAnswered(_ id: Int, _ chunk: ChunkID, _ node: Int) {
        guard let position = nodes[node].positionOfAsked(chunk, on: id) else {
            return checks.fail("peer \(node) gets an answer about chunk \(chunk) that it did not ask for")
        }
        let asked = nodes[node].asked.remove(at: position)
        connections[id].askedCount -= 1
        connections[id].answersUnderWay -= 1
        guard now > asked.answerBy, !isMuted(asked) else { return }
        checks.fail("peer \(node) waits too long for an answer about chunk \(chunk)")
    }

    private mutating func arrives(_ chunk: ChunkID, on id: Int, at node: Int, _ purpose: ChunkPurpose) {
        let isFromOwner = connections[id].source == 0
        let peer = connections[id].sourceIndex
        let origin: ChunkOrigin =
            switch purpose {
            case .grant: .grant
            case .rescue: .rescue
            case .answer: .peer(peer)
            }
        if !isFromOwner { isAnswered(id, chunk, node) }
        if nodes[connections[id].source].plan.isLiar { return isBad(chunk, from: id, at: node) }
        guard nodes[node].disk.insert(chunk) else {
            checks.arrived(chunk)
            nodes[node].report.chunksTwice += 1
            return decide(node) { policy, now, actions in
                policy.superfluous(chunk, from: origin, at: now, into: &actions)
            }
        }
        checks.arrived(chunk)
        story.detail(now) {
            let source = isFromOwner ? "the owner" : "peer \(connections[id].source)"
            return "peer \(node) has chunk \(chunk) from \(source)"
        }
        if isFromOwner { nodes[node].report.chunksFromOwner += 1 } else { nodes[node].report.chunksFromPeers += 1 }
        if !nodes[node].arrivals.isEmpty {
            nodes[node].arrivals[Int(chunk)] = Arrival(at: now, isFromOwner: isFromOwner)
        }
        gainsHolder(chunk)
        decide(node) { policy, now, actions in policy.verified(chunk, from: origin, at: now, into: &actions) }
        lists(chunk, of: node)
        if nodes[node].disk.isFull { finishes(node) }
    }

    private mutating func isBad(_ chunk: ChunkID, from id: Int, at node: Int) {
        checks.arrived(chunk)
        nodes[node].report.chunksBad += 1
        let peer = connections[id].sourceIndex
        story.milestone(now) { "peer \(node) got a bad chunk \(chunk) from peer \(connections[id].source)" }
        decide(node) { policy, now, actions in policy.bad(chunk, from: .peer(peer), at: now, into: &actions) }
    }

    mutating func gainsHolder(_ chunk: ChunkID) {
        holders[Int(chunk)] += 1
        if holders[Int(chunk)] == 1 { unheldCount -= 1 }
    }

    mutating func losesHolder(_ chunk: ChunkID) {
        holders[Int(chunk)] -= 1
        if holders[Int(chunk)] == 0 { unheldCount += 1 }
    }

    /// Tells neighbours and owner of a new chunk, at once or with others.
    private mutating func lists(_ chunk: ChunkID, of node: Int) {
        if options.canary == .listsUnheld, chunk + 1 < layout.chunkCount, chunk % 16 == 7 {
            announce((chunk + 1)..<(chunk + 2), of: node)
        }
        nodes[node].unannounced.append(chunk)
        guard !nodes[node].isAnnouncing else { return }
        let due = nodes[node].announcedAt.map { $0 + nodes[node].policy.announceNanoseconds } ?? now
        guard due > now else { return announceAll(of: node) }
        nodes[node].isAnnouncing = true
        queue.push(.announces, at: due, node, UInt32(truncatingIfNeeded: nodes[node].incarnation))
    }

    mutating func announceAll(of node: Int) {
        nodes[node].announcedAt = now
        if nodes[node].unannounced.count == 1, let chunk = nodes[node].unannounced.popLast() {
            return announce(chunk..<(chunk + 1), of: node)
        }
        for run in ChunkIDList.runs(of: nodes[node].unannounced) { announce(run, of: node) }
        nodes[node].unannounced.removeAll(keepingCapacity: true)
    }

    private mutating func announce(_ run: Range<ChunkID>, of node: Int) {
        for chunk in run where !nodes[node].disk.contains(chunk) {
            checks.fail("peer \(node) lists chunk \(chunk) before it holds it")
        }
        queue.push(.haves, at: now + options.latencyNanoseconds, node, run.lowerBound, run.upperBound)
    }
}
