import MillraceIO
import MillraceStore
import MillraceSwarm
import MillraceWire

/// The thread that talks to the owner.
extension PeerNode {
    /// Connects to the owner, again and again until the run is over: it may come late, and come back.
    func talkToOwner() {
        threadCount.add(1, ordering: .relaxed)
        defer { threadCount.subtract(1, ordering: .releasing) }
        var retry = Backoff()
        var isTold = false
        var faultCount = 0
        let neighbour = neighbourAddress()
        while !isLeaving {
            let started = MonotonicClock.nowNanoseconds
            let held = heldCount
            do throws(NodeFailure) {
                let fault = try converse(neighbour: neighbour)
                faultCount = fault == nil || heldCount > held ? 0 : faultCount + 1
                if let fault, faultCount == NodeLimits.ownerFaultLimit { throw fault }
                isTold = false
            } catch {
                if error.code != .network { return fail(error) }
                if !isTold { log.notice("\(error); trying again \(patience)") }
                isTold = true
            }
            guard !isLeaving else { return }
            retry.pause(after: MonotonicClock.nowNanoseconds - started, wake: ownerWake)
        }
    }

    private var patience: String {
        options.common.timeoutSeconds > 0 ? "for \(options.common.timeoutText) s" : "until it is there"
    }

    private var heldCount: Int { state.withLock { $0.policy?.have.count ?? 0 } }

    /// One connection to the owner, from its start to its end. Throws when there was none, or there is no use in
    /// another. Returns what was wrong with an owner that had welcomed this peer: that costs the connection, and
    /// neither the file nor the neighbours, unless it comes again.
    private func converse(neighbour: PeerAddress) throws(NodeFailure) -> NodeFailure? {
        let end: ConnectionEnd
        let handler: OwnerLinkHandler
        let socket = try connectToOwner()
        do throws(SystemError) {
            let link = try Link()
            let transport = try transportChoice.transport(for: socket)
            let owner = socket.remoteAddress
            let ownerLink = socket.localAddress.host.interfaceNumber
            update { state, _ in
                state.ownerConnection = link
                (state.ownerAddress, state.ownerLinkNumber) = (owner, ownerLink)
            }
            handler = OwnerLinkHandler(
                node: self, link: link, neighbour: neighbour,
                roundTripNanoseconds: socket.leastRoundTripNanoseconds)
            let rates = ConnectionRates(fetching: self.rates, socket)
            var connection = Connection(
                socket: socket, link: link, transport: transport, handler: handler, rates: rates)
            end = connection.run()
            handler.stopWriting()
        } catch {
            throw NodeFailure(network: error)
        }
        lostOwner(end)
        // No connection of this node's is newer: it can only be another node that has the same token.
        if case .saidGoodbye(.replaced, _) = end {
            renewToken()
            log.notice("another node goes by the name of this one; was its folder copied? Going on under a new name")
        }
        guard let failure = failure(of: end) else { return nil }
        if case .peerFault = end, handler.isIntroduced { return failure }
        throw failure
    }

    /// Why there is no use in going on with whoever was at the owner's address, or not now; nil where there is.
    private func failure(of end: ConnectionEnd) -> NodeFailure? {
        switch end {
        case .peerFault(.versionMismatch(let low, let high)):
            let versions = low == high ? "version \(low)" : "versions \(low) to \(high)"
            return NodeFailure(
                .protocolFault,
                "the owner at \(options.owner) speaks \(versions) of the protocol, this program"
                    + " \(WireLimits.oldestVersion) to \(WireLimits.newestVersion); install the same release on both")
        case .peerFault(let fault):
            return NodeFailure(.protocolFault, "the node at \(options.owner) is no Millrace owner: \(fault)")
        case .ended(.wrongSwarm, let reason):
            return NodeFailure(.protocolFault, "\(options.owner): \(reason); give the owner's port first")
        case .saidGoodbye(.wrongSwarm, _):
            return NodeFailure(.protocolFault, "\(options.owner) is a peer, not an owner; give the owner's port first")
        case .saidGoodbye(.selfConnection, _):
            return NodeFailure(.protocolFault, "\(options.owner) is this peer itself; give the owner's port first")
        case .saidGoodbye(.versionMismatch, let reason):
            return NodeFailure(
                .protocolFault,
                "the owner at \(options.owner) has another version of the protocol (\(reason)); install the same"
                    + " release on both")
        case .saidGoodbye(.badMagic, _), .saidGoodbye(.unknownType, _):
            return NodeFailure(
                .protocolFault,
                "the node at \(options.owner) does not take this one for a Millrace peer; check the port")
        case .saidGoodbye(.evicted, let reason):
            return NodeFailure(
                .integrity,
                "the owner has taken this peer out (\(reason)); check its disk and memory, then start it again")
        case .saidGoodbye(.tooManyConnections, let reason):
            return NodeFailure(.network, "the owner takes no more connections now: \(reason)")
        default: return nil
        }
    }

    private func connectToOwner() throws(NodeFailure) -> Socket {
        let addresses: [SocketAddress]
        do {
            addresses = try Resolver.resolve(host: options.owner.host ?? "localhost", port: options.owner.port)
        } catch {
            throw NodeFailure(.network, "\(error); check the name, or give an address")
        }
        var last: SystemError?
        for address in addresses {
            do throws(SystemError) {
                return try Socket.connect(
                    to: address, timeoutNanoseconds: NodeLimits.connectNanoseconds, wake: ownerWake)
            } catch {
                last = error
            }
        }
        guard let last else { throw NodeFailure(.network, "\(options.owner) has no address") }
        throw NodeFailure(owner: options.owner, last)
    }

    private func lostOwner(_ end: ConnectionEnd) {
        let now = MonotonicClock.nowNanoseconds
        let isNews = update { state, effects in
            state.ownerConnection = nil
            state.ownerLink = nil
            state.ownerTakesCompletion = false
            if state.policy != nil { state.policy?.ownerLost() }
            noteLoneliness(&state, now: now)
            effects.wakesMain = true
            return state.phase == .fetching
        }
        if isNews { log.notice("owner: \(end.text); going on with \(sourceCount) sources") }
    }

    private var sourceCount: Int {
        state.withLock { state in
            state.sources.count { state.policy?.isSource($0.peer) ?? false }
        }
    }

    /// The download neighbour as its user gave it; none if it is not known, or is this peer itself.
    private func neighbourAddress() -> PeerAddress {
        guard let neighbour = options.neighbour else { return .none }
        let host = neighbour.host ?? "localhost"
        guard let address = try? Resolver.resolve(host: host, port: neighbour.port).first else {
            log.notice("neighbour \(neighbour) is not known; the owner names one")
            return .none
        }
        let given = PeerAddress(address)
        if given.port == listenPort, given.host.isLoopback {
            log.notice("neighbour \(neighbour) is this peer itself; the owner names another")
            return .none
        }
        return given
    }

    /// The address others shall use, where this peer listens on one only.
    var advertised: PeerAddress {
        guard let host = options.listen.host,
            let address = try? Resolver.resolve(host: host, port: listenPort).first
        else { return .none }
        let own = PeerAddress(address)
        return own.host == .v4(0) || own.host == .v6(high: 0, low: 0) ? .none : own
    }

    /// Another run of the owner has other numbers for everybody: starts the ring anew, keeps the chunks.
    func enter(_ swarm: NodeToken, _ state: inout PeerState, _ effects: inout PeerEffects) {
        guard state.swarm != swarm else { return }
        let isSecond = state.swarm != .unknown
        state.swarm = swarm
        guard isSecond, let content = state.content, let old = state.policy else { return }
        for index in state.sources.indices {
            state.sources[index].isDropped = true
            let link = state.sources[index].link
            effects.wake(link, if: link.post(goodbye: .leaving, "the owner has started anew"))
        }
        for client in state.clients {
            effects.wake(client.link, if: client.link.post(goodbye: .leaving, "the owner has started anew"))
        }
        var policy = PeerPolicy(layout: content.layout, seed: token.low, ringOnly: options.ringOnly)
        policy.restore(old.have)
        if let earlier = state.earlier { policy.expectFromDisk(earlier.left) }
        state.policy = policy
    }

    /// Opens the folder for what the owner offers, the first time; later it must offer the same.
    func open(_ welcome: WelcomeMessage) throws(NodeFailure) {
        if let content = state.withLock({ $0.content }) {
            guard content.layout == welcome.layout, content.name == welcome.name else {
                throw NodeFailure(.integrity, "the owner at \(options.owner) offers another file now: \(welcome.name)")
            }
            return
        }
        let content: PeerContent
        do throws(StoreError) {
            content = try PeerContent(welcome: welcome, options: options, lock: folderLock)
        } catch {
            throw NodeFailure(error)
        }
        var policy = PeerPolicy(layout: welcome.layout, seed: token.low, ringOnly: options.ringOnly)
        policy.expectFromDisk(content.folder.candidates)
        update { state, _ in
            state.content = content
            state.policy = policy
            state.manifest = Manifest(layout: welcome.layout)
            state.phase = .fetching
            state.lastProgress = MonotonicClock.nowNanoseconds
        }
        log.notice("fetching \(content.name), \(welcome.layout.fileByteCount) bytes, to \(content.folder.outputPath)")
        if options.common.storeKind == .chunks, welcome.layout.fileByteCount >= PeerNode.largeFileByteCount {
            log.notice("a large file: --store flat needs half the disk space and half the time")
        }
    }

    private static let largeFileByteCount: UInt64 = 4 << 30
}
