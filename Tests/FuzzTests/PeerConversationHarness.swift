@testable import MillraceIO
@testable import MillraceNode
@testable import MillraceStore
@testable import MillraceSwarm
@testable import MillraceWire

/// A peer between its owner, a source and a client that all say anything in any order. It must say whole frames, send
/// only what it holds, and list only what it has verified; who is wrong is out.
enum PeerConversationHarness {
    /// One node for all runs: what a run changes is set back before the next.
    private static let node: PeerNode = {
        let options = PeerOptions(
            owner: Endpoint(host: "127.0.0.1", port: 9), listen: Endpoint(host: "127.0.0.1", port: 0),
            common: Conversation.common("peer"))
        return try! PeerNode(options)
    }()
    private static let content = try! PeerContent(
        welcome: WelcomeMessage(peer: 0, layout: Conversation.layout, name: "data.bin"), options: node.options,
        lock: node.folderLock)
    private static let links = (0..<3).map { _ in try! Link() }
    private static let source: PeerIndex = 1

    static func run(_ bytes: [UInt8]) -> Bool {
        var feed = Feed(bytes)
        reset(&feed)
        var handlers: [(any ConnectionHandler)?] = [0, 1, 2].map { begin($0) }
        var readers = links.map { _ in FrameReader() }
        var now: UInt64 = 1
        while !feed.isEmpty {
            let index = feed.number(below: handlers.count)
            now += UInt64(feed.byte()) << UInt64(feed.number(below: 30))
            if let handler = handlers[index] {
                let isOver = !goesOn(handler, links[index], &readers[index], &feed, now: now)
                if isOver { handlers[index] = end(index, now: now) }
            } else {
                handlers[index] = begin(index)
                readers[index] = FrameReader()
            }
            check()
        }
        for link in links { _ = link.take() }
        return true
    }

    /// The conversation with the owner, a source, or a client.
    private static func begin(_ index: Int) -> any ConnectionHandler {
        let handler = handler(index)
        try! handler.began(now: 1)
        return handler
    }

    private static func handler(_ index: Int) -> any ConnectionHandler {
        switch index {
        case 0: return OwnerLinkHandler(node: node, link: links[0], neighbour: .none)
        case 1:
            let record = SourceRecord(peer: source, link: links[1])
            node.state.withLock { $0.sources = [record] }
            return DownloadHandler(node: node, record: record)
        default:
            node.state.withLock { $0.clients = [ClientRecord(identity: 7, link: links[2])] }
            return UploadHandler(node: node, link: links[2], identity: 7)
        }
    }

    /// What the threads do when a connection is over.
    private static func end(_ index: Int, now: UInt64) -> (any ConnectionHandler)? {
        _ = links[index].take()
        node.update { state, effects in
            switch index {
            case 0:
                state.ownerLink = nil
                state.ownerTakesCompletion = false
                state.policy?.ownerLost()
            case 1: node.decide(&state, &effects) { $0.sourceLost(source, at: now, into: &$1) }
            default:
                guard let peer = state.clients.first?.peer else { return }
                state.clients = []
                state.policy?.clientLost(peer)
            }
        }
        return nil
    }

    /// One message or chunk and what follows from it; false when the connection is over.
    private static func goesOn(
        _ handler: any ConnectionHandler, _ link: Link, _ reader: inout FrameReader, _ feed: inout Feed,
        now: UInt64
    ) -> Bool {
        do throws(ConnectionEnd) {
            if let message = Conversation.message(&feed) {
                try handler.received(message, now: now)
            } else {
                try chunk(handler, &feed, now: now)
            }
        } catch {
            return false
        }
        _ = handler.postNews(now: now)
        for order in Conversation.take(link, &reader) {
            let isHeld = node.state.withLock { $0.policy?.have.contains(order.chunk) ?? false }
            hold(isHeld && handler.payload(of: order.chunk) != nil, "sends what it does not hold")
            handler.sent(order, now: now)
        }
        return true
    }

    private static func chunk(
        _ handler: any ConnectionHandler, _ feed: inout Feed, now: UInt64
    ) throws(ConnectionEnd) {
        let type: MessageType = feed.byte() % 2 == 0 ? .chunk : .grant
        let header = FrameHeader(
            type: type, chunk: ChunkID(feed.number(below: Conversation.chunkCount + 1)),
            payloadByteCount: feed.byte() % 16 == 0 ? 1023 : 1024)
        switch try handler.willReceive(header) {
        case .discard: handler.discarded(header, now: now)
        case .keep(_, let pool):
            let buffer = pool.take()
            let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<header.payloadByteCount])
            try handler.received(header, bytes, isGenuine: feed.byte() % 8 > 0, now: now)
            pool.give(buffer)
        }
    }

    private static func reset(_ feed: inout Feed) {
        var state = PeerState()
        state.content = content
        state.swarm = Conversation.swarm
        var policy = PeerPolicy(layout: Conversation.layout, seed: UInt64(feed.byte()))
        policy.welcomed(as: 0)
        var manifest = Manifest(layout: Conversation.layout)
        if feed.byte() % 2 == 0 {
            manifest = Conversation.manifest
            var actions: [PeerAction] = []
            policy.digestsKnown(below: UInt32(Conversation.chunkCount), at: 1, into: &actions)
        }
        state.policy = policy
        state.manifest = manifest
        // A node on its way out starts no threads for sources that a roster names, which here have no address.
        state.phase = .leaving
        let fresh = state
        node.state.withLock { $0 = fresh }
        node.journalCount.store(0, ordering: .relaxed)
        node.announceNanoseconds.store(0, ordering: .relaxed)
        node.deadline.store(.max, ordering: .relaxed)
    }

    private static func check() {
        node.state.withLock { state in
            guard let policy = state.policy, let manifest = state.manifest else { return }
            hold(policy.have.count == state.journal.count, "listed what it does not have, or not what it has")
            for chunk in state.journal {
                hold(manifest.digest(of: chunk) != nil && policy.have.contains(chunk))
            }
            hold(state.journal.count == node.journalCount.load(ordering: .relaxed))
        }
    }
}
