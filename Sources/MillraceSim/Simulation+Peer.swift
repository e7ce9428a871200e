import MillraceSwarm
import MillraceWire

extension Simulation {
    mutating func handleAtPeer(_ event: Event) {
        switch event.kind {
        case .timer, .announces, .reconnects: handleOwnTime(event)
        default: handleFromOwner(event)
        }
    }

    private mutating func handleOwnTime(_ event: Event) {
        let node = Int(event.a)
        guard event.b == UInt32(truncatingIfNeeded: nodes[node].incarnation), canHear(node, event) else { return }
        switch event.kind {
        case .timer:
            nodes[node].timerAt = nil
            guard let deadline = nodes[node].policy.nextDeadline else { return }
            guard deadline <= now else { return scheduleTimer(of: node) }
            decide(node) { policy, now, actions in policy.tick(at: now, into: &actions) }
        case .announces:
            nodes[node].isAnnouncing = false
            announceAll(of: node)
        default:
            nodes[node].isReconnecting = false
            for peer in nodes[node].policy.wantedSources { connect(node, to: peer) }
            if nodes[node].ownerConnection == nil, isOwnerThere, !nodes[node].isEvicted { connectToOwner(node) }
        }
    }

    private mutating func handleFromOwner(_ event: Event) {
        let id = Int(event.a)
        let node = connections[id].client
        guard connections[id].isClientOpen, canHear(node, event) else { return }
        switch event.kind {
        case .welcome: isWelcomed(node, id)
        case .rosterAt: seesRoster(node)
        case .digestsAt:
            decide(node) { policy, now, actions in policy.digestsKnown(below: event.b, at: now, into: &actions) }
        default:
            decide(node) { policy, now, actions in policy.sentElsewhere(event.b, to: event.c, at: now, into: &actions) }
        }
    }

    private mutating func isWelcomed(_ node: Int, _ id: Int) {
        let isFirst = !nodes[node].isWelcome
        nodes[node].isWelcome = true
        let runs = nodes[node].disk.runs
        for run in nodes[node].listed.runs {
            queue.push(.havesAtSource, at: arrival(from: node, to: 0), id, run.lowerBound, run.upperBound)
        }
        let (peer, digestCount) = (connections[id].clientIndex, hashedCount)
        let roundTrip = options.roundTripNanoseconds
        decide(node) { policy, now, actions in
            policy.welcomed(as: peer, roundTripNanoseconds: roundTrip)
            policy.digestsKnown(below: digestCount, at: now, into: &actions)
            guard isFirst else { return }
            for run in runs {
                for chunk in run { policy.verified(chunk, from: .disk, at: now, into: &actions) }
            }
        }
        if isFirst, nodes[node].disk.isFull { finishes(node) }
        if !isFirst, nodes[node].policy.isComplete { tellComplete(node) }
        decide(node) { policy, now, actions in policy.startGrants(at: now, into: &actions) }
    }

    private mutating func seesRoster(_ node: Int) {
        let ring = owner.ring
        decide(node) { policy, now, actions in policy.rosterChanged(ring, at: now, into: &actions) }
        for id in nodes[node].sources
        where !connections[id].isEstablished && ring.position(of: connections[id].sourceIndex) == nil {
            close(id, bySource: false)
        }
    }

    mutating func execute(_ action: PeerAction, of node: Int) {
        switch action {
        case .request(let peer, let chunk): request(chunk, from: peer, of: node)
        case .cancel(let peer, let chunk):
            guard let id = source(peer, of: node) else { return }
            if let position = nodes[node].positionOfAsked(chunk, on: id) {
                nodes[node].asked[position].isCancelled = true
            }
            queue.push(.cancel, at: arrival(from: node, to: connections[id].source), id, chunk)
        case .credit(let count):
            guard let id = nodes[node].ownerConnection else {
                return checks.fail("peer \(node) has no owner for credits")
            }
            queue.push(.credits, at: arrival(from: node, to: 0), id, UInt32(count))
        case .rescue(let chunk, let failed):
            guard let id = nodes[node].ownerConnection else { return }
            queue.push(.rescues, at: arrival(from: node, to: 0), id, chunk, failed ?? noMember)
        case .accuse(let peer, _):
            guard let id = nodes[node].ownerConnection else { return }
            queue.push(.accuses, at: arrival(from: node, to: 0), id, peer)
        case .connect(let peer): connect(node, to: peer)
        case .disconnect(let peer):
            if let id = source(peer, of: node) { close(id, bySource: false) }
        case .noteSilence(let peer):
            story.milestone(now) {
                "peer \(node) hears nothing from peer \(nodeOfPeer[Int(peer)]) and asks another beside it"
            }
        case .noteWeakness(let peer):
            story.milestone(now) {
                "peer \(node) gets little from peer \(nodeOfPeer[Int(peer)]) and asks another beside it"
            }
        case .noteTrial(let peer):
            story.milestone(now) {
                "peer \(node) falls behind and tries peer \(nodeOfPeer[Int(peer)]) beside its sources"
            }
        }
    }

    private mutating func request(_ chunk: ChunkID, from peer: PeerIndex, of node: Int) {
        guard let id = source(peer, of: node), connections[id].isEstablished else {
            return checks.fail("peer \(node) asks a peer it has no connection to for chunk \(chunk)")
        }
        if nodes[node].disk.contains(chunk) { checks.fail("peer \(node) asks for chunk \(chunk), which it holds") }
        ask(chunk, on: id, of: node)
        guard options.canary == .asksTwice, chunk % 16 == 5 else { return }
        let other = nodes[node].sources.first { $0 != id && connections[$0].isEstablished }
        if let other { ask(chunk, on: other, of: node) }
    }

    private mutating func ask(_ chunk: ChunkID, on id: Int, of node: Int) {
        checkBound(chunk, id, node)
        let limit = answerLimit(behind: Int(connections[id].askedCount))
        nodes[node].asked.append(Asked(connection: id, chunk: chunk, answerBy: limit))
        connections[id].askedCount += 1
        connections[id].requestsUnderWay += 1
        let source = connections[id].source
        story.detail(now) { "peer \(node) requests chunk \(chunk) from peer \(source)" }
        queue.push(.request, at: arrival(from: node, to: source), id, chunk)
    }

    /// One source at a time is asked for a chunk; those it was cancelled at may still have to answer.
    private mutating func checkBound(_ chunk: ChunkID, _ id: Int, _ node: Int) {
        var unansweredCount = 0
        for asked in nodes[node].asked where asked.chunk == chunk {
            unansweredCount += 1
            if asked.connection == id { checks.fail("peer \(node) asks one source twice for chunk \(chunk)") }
            if !asked.isCancelled { checks.fail("peer \(node) asks two sources for chunk \(chunk)") }
        }
        if unansweredCount > 2 { checks.fail("peer \(node) asks a fourth source for chunk \(chunk)") }
    }

    /// The connection by which the node fetches from this member.
    @inline(__always)
    func source(_ peer: PeerIndex, of node: Int) -> Int? {
        for id in nodes[node].sources where connections[id].sourceIndex == peer { return id }
        return nil
    }

    mutating func finishes(_ node: Int) {
        guard nodes[node].finishedAt == nil else { return }
        nodes[node].finishedAt = now
        endedAt = now
        if nodes[node].plan.mustEnd { unfinishedCount -= 1 }
        story.milestone(now) { "peer \(node) has the whole file" }
        tellComplete(node)
    }

    private mutating func tellComplete(_ node: Int) {
        guard let id = nodes[node].ownerConnection else { return }
        queue.push(.completes, at: arrival(from: node, to: 0), id)
    }
}
