import MillraceIO
import MillraceStore
import MillraceSwarm
import MillraceWire

extension OwnerNode {
    /// The thread of one client.
    func serve(_ socket: consuming Socket) {
        threadCount.add(1, ordering: .relaxed)
        defer {
            threadCount.subtract(1, ordering: .releasing)
            wake.signal()
        }
        guard let link = try? Link(), let transport = try? transportChoice.transport(for: socket) else { return }
        let identity = UInt64.random(in: .min ... .max)
        let isWelcome = update { state, effects in
            guard !state.isLeaving else { return false }
            // Who has said hello and no more for longest makes room.
            if state.strangers.count >= NodeLimits.greetingCount, let oldest = state.strangers.first {
                state.strangers.removeFirst()
                effects.wake(oldest.link, if: oldest.link.post(goodbye: .tooManyConnections, "too many strangers"))
            }
            state.strangers.append((identity, link))
            return true
        }
        guard isWelcome else { return }
        let address = socket.remoteAddress
        let handler = ClientHandler(node: self, link: link, address: address)
        let rates = ConnectionRates(serving: self.rates)
        var connection = Connection(
            socket: socket, link: link, transport: transport, handler: handler, rates: rates, bindsLate: true)
        let end = connection.run()
        log.notice("client \(handler.peer.map { "peer \($0)" } ?? "\(address)"): \(end.text)", level: .verbose)
        if case .saidGoodbye(.badChunk, _) = end {
            checkSource()
            repair(handler.unlisted)
        }
        let now = MonotonicClock.nowNanoseconds
        update { state, effects in
            state.strangers.removeAll { $0.identity == identity }
            guard let peer = handler.peer else { return }
            left(peer, end, now: now, &state, &effects)
        }
    }

    /// A chunk of the owner's was bad: has the file changed since it was hashed?
    private func checkSource() {
        do throws(StoreError) {
            try file.checkUnchanged()
        } catch {
            fail(NodeFailure(error))
        }
    }

    /// Welcomes a newcomer: it gets its number and the roster, which it is not on before it takes part.
    func enlist(
        _ token: NodeToken, from address: SocketAddress, _ link: Link, now: UInt64, _ state: inout OwnerState,
        _ effects: inout OwnerEffects
    ) -> PeerIndex? {
        replaceEarlier(token, &state, &effects)
        guard let peer = state.policy.enlist(from: PeerAddress(address).host) else { return nil }
        state.add(MemberRecord(peer: peer, address: address, node: token, link: link, joined: now))
        state.strangers.removeAll { $0.link === link }
        _ = link.post(.welcome(WelcomeMessage(peer: peer, layout: layout, name: file.name)))
        postRoster(state.policy.ring, to: link)
        return peer
    }

    /// A newcomer takes part: it gets its place on the ring, and everybody, it too, is told of it. False when that must
    /// wait until it lists a chunk.
    func admit(
        _ peer: PeerIndex, _ join: JoinMessage, now: UInt64, _ state: inout OwnerState, _ effects: inout OwnerEffects
    ) -> Bool {
        let address = state.members[Int(peer)].address
        let observed = PeerAddress(address, port: join.listenPort)
        let given = join.advertised.host == .none ? observed : join.advertised
        let listening = given.normalised(saidBy: observed)
        let neighbour = join.neighbour.normalised(saidBy: observed)
        guard let position = state.policy.admit(peer, address: listening, neighbour: neighbour) else {
            return false
        }
        state.members[Int(peer)].takesPart = true
        state.lastProgress = now
        let change = Message.rosterAdd(
            position: UInt32(position), total: UInt32(state.policy.ring.count),
            RosterEntry(peer: peer, address: listening))
        broadcast(change, state, &effects)
        effects.notice("peer \(peer) at \(address) joins, listening on port \(join.listenPort)")
        return true
    }

    /// A peer that connects again is the same peer: its earlier connection goes.
    private func replaceEarlier(_ token: NodeToken, _ state: inout OwnerState, _ effects: inout OwnerEffects) {
        for member in state.members where member.node == token {
            guard let link = member.link else { continue }
            effects.wake(link, if: link.post(goodbye: .replaced, "this peer has connected again"))
        }
    }

    func left(
        _ peer: PeerIndex, _ end: ConnectionEnd, now: UInt64, _ state: inout OwnerState, _ effects: inout OwnerEffects
    ) {
        state.members[Int(peer)].link = nil
        state.members[Int(peer)].left = now
        // Whom the owner has left was still there.
        if !state.isLeaving { state.members[Int(peer)].leftBecause = end.text }
        state.members[Int(peer)].heldWhenLeft = state.policy.heldChunkCount(by: peer)
        decide(&state, &effects, now: now) { policy, _ in policy.left(peer) }
        guard state.members[Int(peer)].takesPart else { return }
        broadcast(.rosterRemove(peer: peer, total: UInt32(state.policy.ring.count)), state, &effects)
        if state.members[Int(peer)].completed == nil, !state.isLeaving {
            effects.notice("peer \(peer) is gone before it was done: \(end.text)")
        }
        effects.wakesMain = true
    }

    private func postRoster(_ ring: Ring, to link: Link) {
        var start = 0
        repeat {
            let end = min(ring.count, start + WireLimits.largestRosterCountPerFrame)
            let part = Array(ring.entries[start..<end])
            _ = link.post(.roster(RosterMessage(start: UInt32(start), total: UInt32(ring.count), entries: part)))
            start = end
        } while start < ring.count
    }

    private func broadcast(_ message: Message, _ state: OwnerState, _ effects: inout OwnerEffects) {
        for member in state.members {
            guard let link = member.link else { continue }
            effects.wake(link, if: link.post(message))
        }
    }
}
