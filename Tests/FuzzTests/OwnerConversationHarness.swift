@testable import MillraceIO
@testable import MillraceNode
@testable import MillraceSwarm
@testable import MillraceWire

/// Three clients of one owner that say anything in any order. The owner must say whole frames, send chunks that there
/// are, and keep its books; who is wrong is out, the others go on.
enum OwnerConversationHarness {
    /// One node for all runs: what a run changes is set back before the next.
    private static let node: OwnerNode = {
        var options = OwnerOptions(
            listen: Endpoint(host: "127.0.0.1", port: 0), file: Conversation.folder + "/data.bin",
            common: Conversation.common("owner"))
        options.chunkByteCount = Conversation.layout.chunkByteCount
        return try! OwnerNode(options)
    }()
    private static let links = (0..<3).map { _ in try! Link() }

    static func run(_ bytes: [UInt8]) -> Bool {
        var feed = Feed(bytes)
        reset(hashed: feed.byte() % 4 == 0 ? feed.number(below: Conversation.chunkCount) : Conversation.chunkCount)
        var clients: [ClientHandler?] = links.map { client(on: $0) }
        var readers = links.map { _ in FrameReader() }
        var now: UInt64 = 1
        while !feed.isEmpty {
            let index = feed.number(below: clients.count)
            now += UInt64(feed.byte()) << UInt64(feed.number(below: 30))
            if let client = clients[index] {
                if !goesOn(client, links[index], &readers[index], &feed, now: now) { clients[index] = nil }
            } else {
                clients[index] = self.client(on: links[index])
                readers[index] = FrameReader()
            }
            check()
        }
        for link in links { _ = link.take() }
        return true
    }

    private static func client(on link: Link) -> ClientHandler {
        ClientHandler(node: node, link: link, address: Conversation.address)
    }

    /// One message and what follows from it; false when the connection is over.
    private static func goesOn(
        _ client: ClientHandler, _ link: Link, _ reader: inout FrameReader, _ feed: inout Feed, now: UInt64
    ) -> Bool {
        do throws(ConnectionEnd) {
            if let message = Conversation.message(&feed) {
                try client.received(message, now: now)
            } else {
                _ = try client.willReceive(FrameHeader(type: .chunk, chunk: 0, payloadByteCount: 1024))
            }
        } catch {
            leave(client, link, now: now)
            return false
        }
        _ = client.postNews(now: now)
        for order in Conversation.take(link, &reader) {
            hold(client.payload(of: order.chunk) != nil)
            if feed.byte() % 4 > 0 { client.sent(order, now: now) }
        }
        return true
    }

    /// What the thread of a client does at its end.
    private static func leave(_ client: ClientHandler, _ link: Link, now: UInt64) {
        _ = link.take()
        guard let peer = client.peer else { return }
        node.update { state, effects in
            state.members[Int(peer)].link = nil
            node.decide(&state, &effects, now: now) { policy, _ in policy.left(peer) }
        }
    }

    private static func reset(hashed: Int) {
        var state = OwnerState(layout: Conversation.layout)
        try! state.manifest.append(first: 0, Array(repeating: Conversation.digest, count: hashed))
        state.policy.hashed(0..<ChunkID(hashed))
        let isClosed = hashed == Conversation.chunkCount
        if isClosed { state.manifest.close(contentID: Conversation.contentID) }
        node.coveredChunkCount.store(UInt32(hashed), ordering: .relaxed)
        node.isManifestClosed.store(isClosed, ordering: .relaxed)
        node.deadline.store(.max, ordering: .relaxed)
        let fresh = state
        node.state.withLock { $0 = fresh }
    }

    private static func check() {
        node.state.withLock { state in
            hold(state.failure == nil, "a client made the owner fail")
            hold(state.members.count == state.policy.members.count)
            hold(state.policy.ring.count == state.members.count { $0.link != nil && $0.takesPart })
            for member in state.members where member.completed != nil {
                hold(state.manifest.contentID != nil, "complete before there was a content ID")
            }
        }
    }
}
