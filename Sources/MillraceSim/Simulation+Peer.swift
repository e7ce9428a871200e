import MillraceSwarm
import MillraceWire

extension Simulation {
    func handleAtPeer(_ event: Event) {
        switch event.kind {
        case .timer, .announces, .reconnects: handleOwnTime(event)
        default: handleFromOwner(event)
        }
    }

    private func handleOwnTime(_ event: Event) {
        let node = nodes[Int(event.a)]
        guard event.b == UInt32(truncatingIfNeeded: node.incarnation), canHear(node, event) else { return }
        switch event.kind {
        case .timer:
            node.timerAt = nil
            guard let deadline = node.policy.nextDeadline else { return }
            guard deadline <= now else { return scheduleTimer(of: node) }
            decide(node) { policy, actions in policy.tick(at: now, into: &actions) }
        case .announces:
            node.isAnnouncing = false
            announceAll(of: node)
        default:
            node.isReconnecting = false
            for peer in node.policy.wantedSources { connect(node, to: peer) }
            if node.ownerConnection == nil, isOwnerThere, !node.isEvicted { connectToOwner(node) }
        }
    }

    private func handleFromOwner(_ event: Event) {
        let id = Int(event.a)
        let node = nodes[connections[id].client]
        guard connections[id].isClientOpen, canHear(node, event) else { return }
        switch event.kind {
        case .welcome: isWelcomed(node, id)
        case .rosterAt: seesRoster(node)
        case .digestsAt:
            decide(node) { policy, actions in policy.digestsKnown(below: event.b, at: now, into: &actions) }
        default:
            decide(node) { policy, actions in policy.sentElsewhere(event.b, to: event.c, at: now, into: &actions) }
        }
    }

    private func isWelcomed(_ node: SimNode, _ id: Int) {
        let isFirst = !node.isWelcome
        node.isWelcome = true
        let runs = node.disk.runs
        for run in runs {
            queue.push(.havesAtSource, at: arrival(from: node.number, to: 0), id, run.lowerBound, run.upperBound)
        }
        decide(node) { policy, actions in
            policy.welcomed(as: connections[id].clientIndex)
            policy.digestsKnown(below: hashedCount, at: now, into: &actions)
            guard isFirst else { return }
            for run in runs {
                for chunk in run { policy.verified(chunk, from: .disk, at: now, into: &actions) }
            }
        }
        if isFirst, node.disk.isFull { finishes(node) }
        if !isFirst, node.policy.isComplete { tellComplete(node) }
        decide(node) { policy, actions in policy.startGrants(at: now, into: &actions) }
    }

    private func seesRoster(_ node: SimNode) {
        let ring = owner.ring
        decide(node) { policy, actions in policy.rosterChanged(ring, at: now, into: &actions) }
        for id in node.sources
        where !connections[id].isEstablished && ring.position(of: connections[id].sourceIndex) == nil {
            close(id, bySource: false)
        }
    }

    func execute(_ action: PeerAction, of node: SimNode) {
        switch action {
        case .request(let peer, let chunk): request(chunk, from: peer, of: node)
        case .cancel(let peer, let chunk):
            guard let id = source(peer, of: node) else { return }
            if let position = connections[id].asked.firstIndex(where: { $0.chunk == chunk }) {
                connections[id].asked[position].isCancelled = true
            }
            queue.push(.cancel, at: arrival(from: node.number, to: connections[id].source), id, chunk)
        case .credit(let count):
            guard let id = node.ownerConnection else {
                return checks.fail("peer \(node.number) has no owner for credits")
            }
            queue.push(.credits, at: arrival(from: node.number, to: 0), id, UInt32(count))
        case .rescue(let chunk, let failed):
            guard let id = node.ownerConnection else { return }
            queue.push(.rescues, at: arrival(from: node.number, to: 0), id, chunk, failed ?? noMember)
        case .accuse(let peer, _):
            guard let id = node.ownerConnection else { return }
            queue.push(.accuses, at: arrival(from: node.number, to: 0), id, peer)
        case .connect(let peer): connect(node, to: peer)
        case .disconnect(let peer):
            if let id = source(peer, of: node) { close(id, bySource: false) }
        }
    }

    private func request(_ chunk: ChunkID, from peer: PeerIndex, of node: SimNode) {
        guard let id = source(peer, of: node), connections[id].isEstablished else {
            return checks.fail("peer \(node.number) asks a peer it has no connection to for chunk \(chunk)")
        }
        if node.disk.contains(chunk) { checks.fail("peer \(node.number) asks for chunk \(chunk), which it holds") }
        ask(chunk, on: id, of: node)
        guard options.canary == .asksTwice, chunk % 16 == 5 else { return }
        let other = node.sources.first { $0 != id && connections[$0].isEstablished }
        if let other { ask(chunk, on: other, of: node) }
    }

    private func ask(_ chunk: ChunkID, on id: Int, of node: SimNode) {
        checkBound(chunk, id, node)
        connections[id].asked.append(Asked(chunk: chunk, answerBy: answerLimit(behind: connections[id].asked.count)))
        connections[id].requestsUnderWay += 1
        let source = connections[id].source
        story.detail(now) { "peer \(node.number) requests chunk \(chunk) from peer \(source)" }
        queue.push(.request, at: arrival(from: node.number, to: source), id, chunk)
    }

    /// One source at a time is asked for a chunk; those it was cancelled at may still have to answer.
    private func checkBound(_ chunk: ChunkID, _ id: Int, _ node: SimNode) {
        var unansweredCount = 0
        for other in node.sources {
            for asked in connections[other].asked where asked.chunk == chunk {
                unansweredCount += 1
                if other == id { checks.fail("peer \(node.number) asks one source twice for chunk \(chunk)") }
                if !asked.isCancelled { checks.fail("peer \(node.number) asks two sources for chunk \(chunk)") }
            }
        }
        if unansweredCount > 2 { checks.fail("peer \(node.number) asks a fourth source for chunk \(chunk)") }
    }

    /// The connection by which the node fetches from this member.
    @inline(__always)
    func source(_ peer: PeerIndex, of node: SimNode) -> Int? {
        for id in node.sources where connections[id].sourceIndex == peer { return id }
        return nil
    }

    func finishes(_ node: SimNode) {
        guard node.finishedAt == nil else { return }
        node.finishedAt = now
        endedAt = now
        if node.plan.mustEnd { unfinishedCount -= 1 }
        story.milestone(now) { "peer \(node.number) has the whole file" }
        tellComplete(node)
    }

    private func tellComplete(_ node: SimNode) {
        guard let id = node.ownerConnection else { return }
        queue.push(.completes, at: arrival(from: node.number, to: 0), id)
    }
}
