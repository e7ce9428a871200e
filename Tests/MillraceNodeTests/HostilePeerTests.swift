import MillraceIO
import MillraceStore
import MillraceWire
import Testing

@testable import MillraceNode

/// What somebody who has joined an owner, or has connected to a peer, does next, and the goodbye code it must get.
struct HostilePeer: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: GoodbyeCode
    let bytes: [UInt8]

    init(_ text: String, _ code: GoodbyeCode, _ messages: Message...) {
        testDescription = text
        self.code = code
        bytes = messages.flatMap(\.frame)
    }

    init(_ text: String, _ code: GoodbyeCode, bytes: [UInt8]) {
        (testDescription, self.code, self.bytes) = (text, code, bytes)
    }

    static func header(_ byteCount: UInt32, _ type: UInt8, flags: UInt8 = 0, chunk: UInt8 = 0) -> [UInt8] {
        (0..<4).reversed().map { UInt8(truncatingIfNeeded: byteCount >> (8 * UInt32($0))) }
            + [type, flags, 0, 0, 0, 0, 0, chunk]
    }

    /// Wrong to an owner and to a peer alike, whose file has 30 chunks.
    static let anywhere = [
        HostilePeer("two hellos", .unexpectedMessage, Sample.hello(.peer)),
        HostilePeer("a request of no chunk", .badField, .request(first: 30, count: 1)),
        HostilePeer("a request beyond the last", .badField, .request(first: 29, count: 2)),
        HostilePeer("a request of all there could be", .badField, .request(first: .max, count: 1024)),
        HostilePeer("a request of none", .limitExceeded, bytes: header(4, 13) + [0, 0, 0, 0]),
        HostilePeer("a request of too many", .limitExceeded, bytes: header(4, 13) + [0, 0, 4, 1]),
        HostilePeer(
            "more requests at once than may be outstanding", .limitExceeded,
            bytes: (0..<70).flatMap { _ in Message.request(first: 0, count: 30).frame }),
        HostilePeer("a cancel of no chunk", .badField, .cancel(30)),
        HostilePeer("two requests for the list", .unexpectedMessage, .listRequest, .listRequest),
        HostilePeer("two lists, the second shorter", .unexpectedMessage, .list([0, 0, 29]), .list([0])),
        HostilePeer("a chunk", .unexpectedMessage, bytes: HostileSource.carrying(.chunk, 0, someBytes(1024))),
        HostilePeer("a grant", .unexpectedMessage, bytes: HostileSource.carrying(.grant, 0, someBytes(1024))),
        HostilePeer("a welcome", .unexpectedMessage, Sample.message(.welcome, helloFrom: .peer)!),
        HostilePeer("a roster", .unexpectedMessage, Sample.message(.roster, helloFrom: .peer)!),
        HostilePeer("the end", .unexpectedMessage, .finished),
        HostilePeer("a reject", .unexpectedMessage, .reject(0, .notHeld)),
        HostilePeer("flags", .badFrame, bytes: header(0, 9, flags: 1)),
        HostilePeer("a chunk ID where there is none", .badField, bytes: header(0, 9, chunk: 1)),
        HostilePeer("a type of nobody", .unknownType, bytes: header(0, 99)),
        HostilePeer("a flood of pings", .limitExceeded, bytes: (0..<64).flatMap { Message.ping($0).frame }),
        HostilePeer("a ping too short", .badFrame, bytes: header(7, 24) + Array(repeating: 0, count: 7)),
        HostilePeer("an addition of 4 GB", .frameTooLong, bytes: header(.max, 11)),
        HostilePeer("more to skip than anybody would", .frameTooLong, bytes: header(65_537, 200)),
        HostilePeer("a reason that is no text", .badField, bytes: header(3, 23) + [0, 0, 0xFF]),
    ]

    static let atOwner = [
        HostilePeer("two joins", .unexpectedMessage, .join(JoinMessage(listenPort: 9))),
        HostilePeer("an introduction", .unexpectedMessage, .introduce(peer: 0)),
        HostilePeer("an addition of no form", .badField, .have([9])),
        HostilePeer("an addition cut off", .badFrame, .have([0, 5])),
        HostilePeer("an addition beyond the last", .badField, .have([0, 30, 0])),
        HostilePeer("no credits", .limitExceeded, bytes: header(4, 12) + [0, 0, 0, 0]),
        HostilePeer("too many credits", .limitExceeded, bytes: header(4, 12) + [0, 0, 4, 1]),
        HostilePeer("a rescue of no chunk", .badField, .rescue(30, from: nil)),
        HostilePeer("an accusation about no chunk", .badField, .bad(30, from: 0)),
        HostilePeer("a wrong content ID", .badField, .complete(contentID: Sample.digest)),
    ]

    static let atPeer = [
        HostilePeer("two introductions", .unexpectedMessage, .introduce(peer: 9)),
        HostilePeer("a join", .unexpectedMessage, .join(JoinMessage(listenPort: 9))),
        HostilePeer("an addition before the list", .unexpectedMessage, .have([0])),
        HostilePeer("a list of no form", .badField, .list([9])),
        HostilePeer("credits", .unexpectedMessage, .credit(count: 1)),
        HostilePeer("a rescue", .unexpectedMessage, .rescue(0, from: nil)),
    ]
}

@Suite(.timeLimit(.minutes(5))) struct HostilePeerTests {
    private func join(_ owner: RunningOwner) throws -> TestLink {
        let link = try TestLink(port: owner.port)
        try link.send(.hello(HelloMessage(role: .peer, swarm: .unknown, node: .random())))
        try link.send(.join(JoinMessage(listenPort: 9)))
        guard try link.next(.manifestEnd) != nil else { throw TookTooLong() }
        return link
    }

    private func introduce(_ peer: RunningPeer) throws -> TestLink {
        let link = try TestLink(port: peer.port)
        let swarm = peer.node.state.withLock { $0.swarm }
        try link.send(.hello(HelloMessage(role: .peer, swarm: swarm, node: .random())), .introduce(peer: 9))
        guard try link.next(.introduce) != nil else { throw TookTooLong() }
        return link
    }

    @Test func eachIsToldWhyByAnOwnerAndEverybodyElseIsServed() throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.hashedOwner(chunkByteCount: 10_000, peers: 2)
        let first = try bench.peer("first", of: owner.port)
        for row in HostilePeer.anywhere + HostilePeer.atOwner {
            let link = try join(owner)
            // An owner's conversation begins with the list; two of them are one too many.
            if !row.testDescription.hasPrefix("two lists") { try link.send(.list([0])) }
            try link.send(bytes: row.bytes)
            #expect(try link.goodbye() == row.code, "\(row.testDescription)")
            #expect(try link.receive() == .closed)
        }
        let second = try bench.peer("second", of: owner.port)
        for peer in [first, second] { #expect(try peer.report().contentID != nil) }
        let report = try owner.report()
        #expect(report.members.count { $0.isComplete } == 2)
        #expect(owner.node.state.withLock { $0.strangers.isEmpty })
    }

    @Test func eachIsToldWhyByAPeerAndEverybodyElseIsServed() throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.hashedOwner(chunkByteCount: 10_000, peers: 2)
        let first = try bench.peer("first", of: owner.port)
        try waitUntil { first.isComplete }
        for row in HostilePeer.anywhere + HostilePeer.atPeer {
            let link = try introduce(first)
            try link.send(bytes: row.bytes)
            #expect(try link.goodbye() == row.code, "\(row.testDescription)")
            #expect(try link.receive() == .closed)
        }
        try waitUntil { first.node.state.withLock { $0.clients.isEmpty } }
        let second = try bench.peer("second", of: owner.port)
        for peer in [first, second] { #expect(try peer.report().contentID != nil) }
        _ = try owner.report()
        #expect(bench.output("second") == bench.bytes)
    }

    /// Digests must have gone out before anything can be asked for (M-8): it needs an owner that is still hashing.
    @Test func whatHasNoDigestYetCanNotBeAskedFor() throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.hashedOwner(chunkByteCount: 10_000, peers: 1)
        for message in [Message.rescue(7, from: nil), .request(first: 7, count: 1)] {
            let handler = ClientHandler(
                node: owner.node, link: try Link(), address: SocketAddress(host: .v4(0x7F00_0001), port: 9))
            try handler.received([
                .hello(HelloMessage(role: .peer, swarm: .unknown, node: .random())), .join(JoinMessage(listenPort: 9)),
                .list([0]),
            ])
            let end = #expect(throws: ConnectionEnd.self) { try handler.received([message]) }
            #expect(end?.code == .badField)
        }
        owner.interrupt.signal()
        #expect(throws: NodeFailure.self) { try owner.report() }
    }

    /// The owner's list is kept current by additions, one for each batch of digests (O-10).
    @Test func theListOfAnOwnerThatIsStillHashingIsKeptCurrent() throws {
        let bench = try Bench(byteCount: 3_000_000)
        let owner = try bench.owner { $0.chunkByteCount = 1024 }
        let link = try TestLink(port: owner.port)
        try link.send(.hello(HelloMessage(role: .peer, swarm: .unknown, node: .random())))
        try link.send(.join(JoinMessage(listenPort: 9)), .list([0]), .listRequest)
        var held = ChunkSet(chunkCount: 2930)
        while !held.isFull {
            guard case .message(let message) = try link.receive() else { throw TookTooLong() }
            switch message {
            case .list(let bytes), .have(let bytes):
                try ChunkIDList.decode(bytes.span.bytes, of: message.type, chunkCount: 2930) { held.insert($0) }
            default: continue
            }
        }
        link.close()
        owner.interrupt.signal()
        #expect(throws: NodeFailure.self) { try owner.report() }
    }

    @Test func theFileIsCompleteOnceItsManifestIsAndThenForGood() throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.hashedOwner(chunkByteCount: 10_000, peers: 2)
        let link = try TestLink(port: owner.port)
        try link.send(.hello(HelloMessage(role: .peer, swarm: .unknown, node: .random())))
        try link.send(.join(JoinMessage(listenPort: 9)), .list([0, 0, 29]))
        guard case .manifestEnd(let contentID)? = try link.next(.manifestEnd) else { throw TookTooLong() }
        try link.send(.complete(contentID: contentID), .complete(contentID: contentID), .ping(7))
        #expect(try link.next(.pong) == .pong(7))
        try link.send(.complete(contentID: Sample.digest))
        #expect(try link.goodbye() == .badField)
        _ = try bench.peer("peer", of: owner.port).report()
        #expect(try owner.report().members.count { $0.isComplete } == 2)
    }
}
