import MillraceSwarm
import MillraceWire

extension Simulation {
    mutating func handleAtOwner(_ event: Event) {
        guard isOwnerThere else { return }
        switch event.kind {
        case .hashes: ownerHashes()
        case .ownerTimer:
            if ownerTimerAt == now { ownerTimerAt = nil }
        case .rosterSent: return rosterArrives()
        case .joins: joins(Int(event.a))
        default: hears(event)
        }
        pumpOwner()
    }

    /// Binds chunks to credits, and sees that the owner looks again when a turn is over.
    mutating func pumpOwner() {
        guard isOwnerThere else { return }
        owner.pump(at: now, into: &ownerActions)
        executeOwnerActions()
        if let deadline = owner.nextDeadline(at: now), deadline < ownerTimerAt ?? .max {
            ownerTimerAt = deadline
            queue.push(.ownerTimer, at: deadline, 0)
        }
    }

    private mutating func hears(_ event: Event) {
        let id = Int(event.a)
        guard connections[id].isSourceOpen else { return }
        let peer = connections[id].clientIndex
        switch event.kind {
        case .credits:
            do { try owner.credit(peer, count: Int(event.b)) } catch { checks.fail("owner refuses credits: \(error)") }
        case .rescues:
            let failed = event.c == noMember ? nil : event.c
            story.milestone(now) {
                let vain = failed.map { ", which peer \(nodeOfPeer[Int($0)]) does not send" } ?? ""
                return "peer \(connections[id].client) asks the owner for help with chunk \(event.b)\(vain)"
            }
            let distrusted = owner.distrustCount
            owner.rescue(peer, event.b, from: failed, at: now, into: &ownerActions)
            if owner.distrustCount > distrusted { checks.left(at: now) }
        case .accuses:
            checks.left(at: now)
            owner.bad(event.b, by: peer, into: &ownerActions)
        case .completes: owner.complete(peer)
        default: break
        }
        executeOwnerActions()
    }

    private mutating func executeOwnerActions() {
        guard !ownerActions.isEmpty else { return }
        let actions = ownerActions
        ownerActions.removeAll(keepingCapacity: true)
        for action in actions { execute(action) }
    }

    private mutating func execute(_ action: OwnerAction) {
        switch action {
        case .grant(let peer, let chunk):
            grant(chunk, to: peer)
            if options.canary == .grantsTwice, chunk % 64 == 63 { grant(chunk, to: peer) }
        case .send(let peer, let chunk):
            story.milestone(now) { "the owner sends chunk \(chunk) to peer \(nodeOfPeer[Int(peer)]) once more" }
            enqueue(Outgoing(chunk: chunk, purpose: .rescue), on: connectionOfPeer[Int(peer)])
        case .ask(let peer, let chunk, let other):
            let node = nodeOfPeer[Int(peer)]
            story.milestone(now) { "the owner sends peer \(node) to peer \(nodeOfPeer[Int(other)]) for chunk \(chunk)" }
            queue.push(.ask, at: arrival(from: 0, to: node), connectionOfPeer[Int(peer)], chunk, other)
        case .evict(let peer):
            let node = nodeOfPeer[Int(peer)]
            guard connections[connectionOfPeer[Int(peer)]].isSourceOpen else { return }
            story.milestone(now) { "the owner evicts peer \(node)" }
            nodes[node].isEvicted = true
            close(connectionOfPeer[Int(peer)], bySource: true)
            leaves(peer)
        }
    }

    private mutating func grant(_ chunk: ChunkID, to peer: PeerIndex) {
        checks.granted(chunk, isHashed: chunk < hashedCount, at: now)
        story.detail(now) { "the owner gives chunk \(chunk) to peer \(nodeOfPeer[Int(peer)])" }
        enqueue(Outgoing(chunk: chunk, purpose: .grant), on: connectionOfPeer[Int(peer)])
    }

    /// A peer's connection has come to the owner.
    private mutating func joins(_ id: Int) {
        let node = connections[id].client
        guard nodes[node].isAlive, connections[id].isClientOpen, !nodes[node].isEvicted else { return refuse(id) }
        let neighbour = nodes[node].plan.neighbour.map { address(of: $0) } ?? .none
        guard let place = owner.join(address: address(of: node), neighbour: neighbour) else { return refuse(id) }
        connections[id].clientIndex = place.peer
        connections[id].isSourceOpen = true
        connections[id].isEstablished = true
        nodes[0].clients.append(id)
        nodes[node].audience = nil
        nodeOfPeer.append(node)
        connectionOfPeer.append(id)
        queue.push(.welcome, at: arrival(from: 0, to: node), id)
        rosterChanges()
    }

    mutating func leaves(_ peer: PeerIndex) {
        checks.left(at: now)
        owner.left(peer)
        rosterChanges()
        pumpOwner()
    }

    /// Members that come or go at one instant are told of in one go.
    private mutating func rosterChanges() {
        guard !isRosterDirty else { return }
        isRosterDirty = true
        queue.push(.rosterSent, at: now + options.latencyNanoseconds, 0)
    }

    private mutating func rosterArrives() {
        isRosterDirty = false
        for entry in owner.ring.entries {
            let id = connectionOfPeer[Int(entry.peer)]
            let node = connections[id].client
            let at = plan.partitions.isEmpty ? now : healed(0, node, now)
            queue.push(.rosterAt, at: at, id)
        }
    }

    private mutating func ownerHashes() {
        let next = min(layout.chunkCount, hashedCount + 1 + layout.chunkCount / 256)
        owner.hashed(hashedCount..<next)
        hashedCount = next
        for entry in owner.ring.entries {
            let id = connectionOfPeer[Int(entry.peer)]
            queue.push(.digestsAt, at: arrival(from: 0, to: connections[id].client), id, next)
        }
        guard next < layout.chunkCount else { return }
        let byteCount = UInt64(1 + layout.chunkCount / 256) * UInt64(layout.chunkByteCount)
        queue.push(.hashes, at: now + byteCount * 1_000_000_000 / options.hashBytesPerSecond, 0)
    }

    private func address(of node: Int) -> PeerAddress {
        PeerAddress(host: .v4(0x0A00_0000 + UInt32(node)), port: 9000)
    }
}

/// Stands for "no peer" in an event.
let noMember = PeerIndex.max
