import MillraceIO
import MillraceSwarm
import MillraceWire

/// The connection by which an owner serves one peer: welcomes it, sends the manifest and the roster, grants chunks.
final class ClientHandler: ConnectionHandler {
    private enum Stage {
        case greeting, joining, listing, running
    }

    private let node: OwnerNode
    private let link: Link
    private let address: SocketAddress
    private var stage = Stage.greeting
    private var token = NodeToken.unknown
    private(set) var peer: PeerIndex?
    private var digests: DigestFeed
    /// What it said when it joined, until it takes part.
    private var join: JoinMessage?
    /// It takes chunks, or has some: others are told of it.
    private var takesPart = false
    private var isComplete = false
    /// Chunks sent and not listed since, the latest last.
    private(set) var unlisted: [ChunkID] = []
    private var hasGivenCredit = false

    init(node: OwnerNode, link: Link, address: SocketAddress) {
        self.node = node
        self.link = link
        self.address = address
        digests = DigestFeed(node)
    }

    var isIntroduced: Bool { stage == .running || stage == .listing }
    var chunkCount: UInt32 { node.layout.chunkCount }
    var coveredChunkCount: UInt32 { digests.coveredChunkCount }

    private var party: Party { peer.map { .peer($0) } ?? .unknown }

    func began(now: UInt64) {}

    func received(_ message: Message, now: UInt64) throws(ConnectionEnd) {
        switch (stage, message) {
        case (.greeting, .hello(let hello)): try greet(hello)
        case (.joining, .join(let join)): try welcome(join, now: now)
        case (.listing, .list(let encoded)):
            try holds(encoded, type: .list, now: now)
            stage = .running
        case (.running, .have(let encoded)): try holds(encoded, type: .have, now: now)
        case (.running, .credit(let count)): try credit(Int(count), now: now)
        case (.running, .rescue(let chunk, let failed)): try rescue(chunk, from: failed, now: now)
        case (.running, .bad(let chunk, let accused)): try bad(chunk, from: accused, now: now)
        case (.running, .complete(let contentID)): try complete(contentID, now: now)
        case (.running, .proofRequest(let encoded)): try prove(encoded)
        case (.listing, .listRequest), (.running, .listRequest): try list()
        case (.listing, .request(let first, let count)), (.running, .request(let first, let count)):
            try request(first, count)
        case (.listing, .cancel(let chunk)), (.running, .cancel(let chunk)):
            try node.layout.check(chunk)
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
        node.layout.pageHeight == 0 ? nil : node.state.withLock { $0.manifest.proof(of: chunk) }
    }

    func payload(of chunk: ChunkID) -> FilePayload? {
        node.folder.store.payload(of: chunk)
    }

    func sent(_ order: Link.ChunkOrder, now: UInt64) {
        guard let peer else { return }
        let byteCount = node.layout.byteCount(of: order.chunk)
        if unlisted.count == NodeLimits.clientQueueCount { unlisted.removeFirst() }
        unlisted.append(order.chunk)
        node.update { state, effects in
            state.members[Int(peer)].bytesSent += UInt64(byteCount)
            state.lastProgress = now
            if state.firstChunkSent == nil { state.firstChunkSent = now }
            guard order.type == .grant else { return }
            node.decide(&state, &effects, now: now) { policy, _ in policy.wrote(peer, at: now) }
        }
        node.log.chunk(
            .sent, order.chunk, byteCount: byteCount, party, tookNanoseconds: now - min(now, order.began))
    }

    func unreadable(_ chunk: ChunkID, _ fault: SendFault) {
        node.fail(reading: chunk, fault)
    }

    /// Digests go ahead of the chunks they cover, and of the additions to a list.
    func postNews(now: UInt64) -> UInt64? {
        guard let peer else { return .max }
        if takesPart, let waiting = join,
            node.update({ state, effects in node.admit(peer, waiting, now: now, &state, &effects) })
        {
            join = nil
        }
        let isAdmitted = takesPart && join == nil
        return digests.post(
            to: link, for: !isAdmitted ? .unknown : hasGivenCredit ? .takesChunks : .verifies, party, now: now)
    }

    private func greet(_ hello: HelloMessage) throws(ConnectionEnd) {
        if hello.node == node.token { throw .ended(.selfConnection, "this is the node itself") }
        guard hello.role == .peer else { throw .peerFault(.badField(.hello, field: "role")) }
        token = hello.node
        _ = link.post(.hello(HelloMessage(role: .owner, swarm: node.swarm, node: node.token)))
        stage = .joining
    }

    private func welcome(_ join: JoinMessage, now: UInt64) throws(ConnectionEnd) {
        let joined = node.update { state, effects in
            node.enlist(token, from: address, link, now: now, &state, &effects)
        }
        guard let joined else { throw .ended(.tooManyConnections, "the swarm is full") }
        peer = joined
        self.join = join
        stage = .listing
    }

    private func holds(_ encoded: [UInt8], type: MessageType, now: UInt64) throws(ConnectionEnd) {
        guard let peer else { return }
        var runs: [Range<ChunkID>] = []
        do throws(WireError) {
            try ChunkIDList.decode(encoded.span.bytes, of: type, chunkCount: node.layout.chunkCount) { runs.append($0) }
        } catch {
            throw .peerFault(error)
        }
        if !runs.isEmpty { takesPart = true }
        unlisted.removeAll { chunk in runs.contains { $0.contains(chunk) } }
        node.update { state, effects in
            state.lastProgress = now
            node.decide(&state, &effects, now: now) { policy, _ in
                for run in runs { policy.holds(peer, run, at: now) }
            }
        }
        node.log.list(.received, count: runs.reduce(0) { $0 + $1.count }, isAddition: type == .have, party)
    }

    private func credit(_ count: Int, now: UInt64) throws(ConnectionEnd) {
        guard let peer else { return }
        (hasGivenCredit, takesPart) = (true, true)
        let fault: WireError? = node.update { state, effects in
            do throws(WireError) {
                try state.policy.credit(peer, count: count)
            } catch {
                return error
            }
            node.decide(&state, &effects, now: now) { _, _ in }
            return nil
        }
        if let fault { throw .peerFault(fault) }
        node.log.credit(.received, count: UInt32(count), party)
    }

    private func rescue(_ chunk: ChunkID, from failed: PeerIndex?, now: UInt64) throws(ConnectionEnd) {
        guard let peer else { return }
        guard node.layout.contains(chunk), chunk < digests.coveredChunkCount else {
            throw .peerFault(.chunkOutOfRange(chunk, chunkCount: node.layout.chunkCount))
        }
        node.update { state, effects in
            node.decide(&state, &effects, now: now) { policy, actions in
                policy.rescue(peer, chunk, from: failed, at: now, into: &actions)
            }
        }
    }

    private func bad(_ chunk: ChunkID, from accused: PeerIndex, now: UInt64) throws(ConnectionEnd) {
        guard let peer else { return }
        try node.layout.check(chunk)
        node.update { state, effects in
            if state.policy.isNews(accused, by: peer) {
                effects.notice("peer \(peer) says that peer \(accused) sent a bad chunk \(chunk)")
            }
            node.decide(&state, &effects, now: now) { $0.bad(accused, by: peer, into: &$1) }
        }
    }

    private func complete(_ contentID: Digest, now: UInt64) throws(ConnectionEnd) {
        guard let peer, digests.hasEnded else { throw .peerFault(.badField(.complete, field: "content ID")) }
        let isFirst = !isComplete
        (isComplete, takesPart) = (true, true)
        let isRight = node.update { state, effects in
            guard state.manifest.contentID == contentID else { return false }
            guard isFirst else { return true }
            state.members[Int(peer)].completed = now
            state.lastProgress = now
            node.decide(&state, &effects, now: now) { policy, _ in policy.complete(peer) }
            effects.notice("peer \(peer) at \(address) has the whole file")
            effects.wakesMain = true
            return true
        }
        guard isRight else { throw .peerFault(.badField(.complete, field: "content ID")) }
    }

    private func prove(_ encoded: [UInt8]) throws(ConnectionEnd) {
        var chunks = ChunkSet(chunkCount: chunkCount)
        do throws(WireError) {
            try ChunkIDList.decode(encoded.span.bytes, of: .proofRequest, chunkCount: chunkCount) { chunks.insert($0) }
        } catch {
            throw .peerFault(error)
        }
        guard digests.prove(chunks) else { throw .peerFault(.unexpectedMessage(.proofRequest)) }
    }

    private func list() throws(ConnectionEnd) {
        guard let count = digests.list(to: link) else { throw .peerFault(.unexpectedMessage(.listRequest)) }
        node.log.list(.sent, count: Int(count), isAddition: false, party)
    }

    /// An owner answers requests as a peer does.
    private func request(_ first: ChunkID, _ count: UInt32) throws(ConnectionEnd) {
        let chunks = try node.layout.check(first, count: count)
        guard chunks.upperBound <= digests.coveredChunkCount else {
            throw .peerFault(.badField(.request, field: "chunk ID"))
        }
        takesPart = true
        node.log.request(.received, first: first, count: count, party)
        try link.answer(chunks) { _ in true }
    }
}
