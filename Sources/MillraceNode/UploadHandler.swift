import MillraceIO
import MillraceSwarm
import MillraceWire

/// The connection by which another peer fetches from this one: answers the list, serves requests.
final class UploadHandler: ConnectionHandler {
    private enum Stage {
        case greeting, introducing, running
    }

    private let node: PeerNode
    private let link: Link
    private let identity: UInt64
    private var stage = Stage.greeting
    private var hasHeardList = false
    private(set) var peer: PeerIndex?
    private(set) var roomTimes = 1
    private var content: PeerContent?
    private var feed = NewsFeed()
    private var hasListed = false
    /// What the client has said on this very connection that it holds: who it says it is proves nothing.
    private var listed: ChunkSet?

    init(node: PeerNode, link: Link, identity: UInt64) {
        self.node = node
        self.link = link
        self.identity = identity
    }

    var isIntroduced: Bool { stage == .running }
    var chunkCount: UInt32 { content?.layout.chunkCount ?? 0 }

    private var party: Party { peer.map { .peer($0) } ?? .unknown }

    func began(now: UInt64) {}

    func received(_ message: Message, now: UInt64) throws(ConnectionEnd) {
        switch (stage, message) {
        case (.greeting, .hello(let hello)): try greet(hello)
        case (.introducing, .introduce(let peer)): try introduce(peer)
        case (.running, .listRequest): try list(now: now)
        case (.running, .list(let encoded)) where !hasHeardList: try holds(encoded, type: .list, now: now)
        case (.running, .have(let encoded)) where hasHeardList: try holds(encoded, type: .have, now: now)
        case (.running, .request(let first, let count)): try request(first, count)
        case (.running, .room(let times)): roomTimes = Int(times)
        case (.running, .cancel(let chunk)):
            try content?.layout.check(chunk)
            _ = link.post { $0.cancels.append(chunk) }
        default: throw .peerFault(.unexpectedMessage(message.type))
        }
    }

    func willReceive(_ header: FrameHeader) throws(ConnectionEnd) -> ChunkReception {
        throw .peerFault(.unexpectedMessage(header.type))
    }

    func received(_ header: FrameHeader, _ bytes: UnsafeRawBufferPointer, isGenuine: Bool, now: UInt64) {}
    func discarded(_ header: FrameHeader, now: UInt64) {}

    func proof(of chunk: ChunkID) -> [Digest]? {
        content?.layout.pageHeight == 0 ? nil : node.state.withLock { $0.manifest?.proof(of: chunk) }
    }

    func payload(of chunk: ChunkID) -> FilePayload? {
        content?.folder.store.payload(of: chunk)
    }

    func sent(_ order: Link.ChunkOrder, now: UInt64) {
        guard let layout = content?.layout else { return }
        let byteCount = layout.byteCount(of: order.chunk)
        node.state.withLock { state in
            state.statistics.bytesSent += UInt64(byteCount)
            state.lastProgress = now
        }
        node.log.chunk(
            .sent, order.chunk, byteCount: byteCount, party, tookNanoseconds: now - min(now, order.began))
    }

    func unreadable(_ chunk: ChunkID, _ fault: SendFault) {
        node.log.notice("chunk \(chunk) can't be read any more: \(fault)")
    }

    func postNews(now: UInt64) -> UInt64? {
        guard hasListed, let peer else { return .max }
        return feed.post(from: node, to: link, .peer(peer), now: now, besides: listed)
    }

    private func greet(_ hello: HelloMessage) throws(ConnectionEnd) {
        if hello.node == node.token { throw .ended(.selfConnection, "this is the node itself") }
        guard hello.role == .peer else { throw .peerFault(.badField(.hello, field: "role")) }
        let (swarm, number, content) = node.state.withLock { ($0.swarm, $0.policy?.selfIndex, $0.content) }
        guard number != nil, content != nil else { throw .ended(.notReady, "no owner has welcomed this peer yet") }
        guard hello.swarm == swarm else { throw .ended(.wrongSwarm, "another swarm") }
        self.content = content
        node.replaceEarlier(hello.node, by: identity)
        _ = link.post(.hello(HelloMessage(role: .peer, swarm: swarm, node: node.token)))
        stage = .introducing
    }

    private func introduce(_ peer: PeerIndex) throws(ConnectionEnd) {
        guard let number = node.state.withLock({ $0.policy?.selfIndex }) else { throw .ended(.notReady, "no owner") }
        self.peer = peer
        node.update { state, _ in
            state.policy?.clientConnected(peer)
            guard let index = state.clients.firstIndex(where: { $0.identity == identity }) else { return }
            state.clients[index].peer = peer
        }
        _ = link.post(.introduce(peer: number))
        stage = .running
    }

    /// The list is sent whole once; additions follow by themselves.
    private func list(now: UInt64) throws(ConnectionEnd) {
        guard !hasListed else { throw .peerFault(.unexpectedMessage(.listRequest)) }
        hasListed = true
        let (encoded, count, mark) = node.state.withLock { state in
            let have = state.policy?.have ?? ChunkSet(chunkCount: 0)
            return (ChunkIDList.encode(have), have.count, state.journal.count)
        }
        feed.listed(upTo: mark, now: now)
        _ = link.post(.list(encoded))
        node.log.list(.sent, count: count, isAddition: false, party)
    }

    private func holds(_ encoded: [UInt8], type: MessageType, now: UInt64) throws(ConnectionEnd) {
        guard let peer else { return }
        hasHeardList = true
        let runs = try node.holds(encoded, type: type, peer: peer, asClient: true, now: now)
        if listed == nil { listed = ChunkSet(chunkCount: chunkCount) }
        for run in runs { listed?.insert(run) }
    }

    private func request(_ first: ChunkID, _ count: UInt32) throws(ConnectionEnd) {
        guard let layout = content?.layout else { return }
        let chunks = try layout.check(first, count: count)
        node.log.request(.received, first: first, count: count, party)
        let held = node.state.withLock { state in
            chunks.map { state.policy?.have.contains($0) ?? false }
        }
        try link.answer(chunks) { held[Int($0 - first)] }
    }
}

extension PeerNode {
    /// A client that connects again is the same client: its earlier connection goes (PROTOCOL.md, H-14).
    func replaceEarlier(_ token: NodeToken, by identity: UInt64) {
        update { state, effects in
            for index in state.clients.indices {
                if state.clients[index].identity == identity {
                    state.clients[index].node = token
                } else if state.clients[index].node == token {
                    let link = state.clients[index].link
                    effects.wake(link, if: link.post(goodbye: .replaced, "this node has connected again"))
                }
            }
        }
    }

    /// The thread of one client.
    func serve(_ socket: consuming Socket) {
        threadCount.add(1, ordering: .relaxed)
        defer { threadCount.subtract(1, ordering: .releasing) }
        guard let link = try? Link(), let transport = try? transportChoice.transport(for: socket) else { return }
        let identity = UInt64.random(in: .min ... .max)
        let isWelcome = update { state, effects in
            guard state.phase != .leaving else { return false }
            let strangers = state.clients.count { $0.peer == nil }
            // Who has said hello and no more for longest makes room.
            if strangers >= NodeLimits.greetingCount, let oldest = state.clients.first(where: { $0.peer == nil }) {
                effects.wake(oldest.link, if: oldest.link.post(goodbye: .tooManyConnections, "too many strangers"))
            }
            state.clients.append(ClientRecord(identity: identity, link: link))
            return true
        }
        guard isWelcome else { return }
        let address = socket.remoteAddress
        let handler = UploadHandler(node: self, link: link, identity: identity)
        let rates = ConnectionRates(serving: self.rates)
        var connection = Connection(socket: socket, link: link, transport: transport, handler: handler, rates: rates)
        let end = connection.run()
        log.notice("client \(handler.peer.map { "peer \($0)" } ?? "\(address)"): \(end.text)", level: .verbose)
        update { state, _ in
            state.clients.removeAll { $0.identity == identity }
            guard let peer = handler.peer, !state.clients.contains(where: { $0.peer == peer }) else { return }
            state.policy?.clientLost(peer)
        }
    }
}
