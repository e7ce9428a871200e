import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// Every pair of state and message: what a state does not allow ends the connection with `unexpectedMessage`.
@Suite(.timeLimit(.minutes(5))) struct StateTests {
    private let bench: Bench

    init() throws { bench = try Bench(byteCount: 2500) }

    private func peerNode() throws -> PeerNode {
        try PeerNode(try bench.peerOptions("peer-\(UInt64.random(in: 0...UInt64.max))", of: 9))
    }

    /// A peer that an owner has welcomed as number 0.
    private func welcomedNode() throws -> PeerNode {
        let node = try peerNode()
        let handler = OwnerLinkHandler(node: node, link: try Link(), neighbour: .none)
        try handler.received([
            Sample.hello(.owner), .welcome(WelcomeMessage(peer: 0, layout: Sample.layout, name: "file.bin")),
            .digests(first: 0, try manifest().digests),
        ])
        return node
    }

    private func record() throws -> SourceRecord { SourceRecord(peer: 1, link: try Link()) }

    @Test func anOwnerWithAPeer() throws {
        let asked: Set<MessageType> = [
            .have, .credit, .request, .cancel, .rescue, .bad, .complete, .listRequest, .proofRequest,
        ]
        let table = StateTable(
            handler: { state in
                var options = try bench.ownerOptions()
                options.common.folder += "-\(UInt64.random(in: 0...UInt64.max))"
                let handler = ClientHandler(
                    node: try OwnerNode(options), link: try Link(),
                    address: SocketAddress(host: .v4(0x7F00_0001), port: 9))
                let all: [Message] = [Sample.hello(.peer), .join(JoinMessage(listenPort: 9)), .list([0]), .listRequest]
                let steps = ["hello?": 0, "join?": 1, "list?": 2, "open": 3, "asked": 4]
                try handler.received(Array(all.prefix(try #require(steps[state]))))
                return handler
            }, role: .peer,
            taken: [
                "hello?": [.hello], "join?": [.join], "list?": [.list, .listRequest, .request, .cancel], "open": asked,
                "asked": asked.subtracting([.listRequest]),
            ])
        let differences = try table.differences()
        #expect(differences == [])
    }

    @Test func aPeerWithItsOwner() throws {
        // Nothing was asked for, and credits go out once the peer is welcome.
        let open: Set<MessageType> = [.digests, .roster, .grant, .finished, .proof]
        let manifest = try manifest()
        let contentID = ContentID.compute(manifest)
        let opening = [
            Sample.hello(.owner), .welcome(WelcomeMessage(peer: 0, layout: Sample.layout, name: "file.bin")),
            .digests(first: 0, manifest.digests), .manifestEnd(contentID: contentID),
        ]
        let table = StateTable(
            handler: { state in
                let handler = OwnerLinkHandler(node: try peerNode(), link: try Link(), neighbour: .none)
                let steps = ["hello?": 0, "welcome?": 1, "open": 2, "digested": 3, "ended": 4]
                try handler.received(Array(opening.prefix(try #require(steps[state]))))
                return handler
            }, role: .owner,
            taken: [
                // Changes of a roster that has not come are bad fields.
                "hello?": [.hello], "welcome?": [.welcome], "open": open.union([.rosterAdd, .rosterRemove]),
                "digested": open.union([.rosterAdd, .rosterRemove, .manifestEnd]),
                "ended": open.subtracting([.digests]).union([.rosterAdd, .rosterRemove]),
            ])
        let differences = try table.differences()
        #expect(differences == [])
    }

    @Test func anUploaderWithADownloader() throws {
        let open: Set<MessageType> = [.listRequest, .list, .have, .request, .cancel, .room]
        let all: [Message] = [Sample.hello(.peer), .introduce(peer: 1), .listRequest, .list([0])]
        let table = StateTable(
            handler: { state in
                let handler = UploadHandler(node: try welcomedNode(), link: try Link(), identity: 1)
                let steps = ["hello?": 0, "introduce?": 1, "open": 2, "asked": 3, "listed": 4]
                try handler.received(Array(all.prefix(try #require(steps[state]))))
                return handler
            }, role: .peer,
            taken: [
                "hello?": [.hello], "introduce?": [.introduce], "open": open.subtracting([.have]),
                "asked": open.subtracting([.have, .listRequest]), "listed": open.subtracting([.list, .listRequest]),
            ])
        let differences = try table.differences()
        #expect(differences == [])
    }

    @Test func aDownloaderWithAnUploader() throws {
        let all: [Message] = [Sample.hello(.peer), .introduce(peer: 1), .list([0])]
        let table = StateTable(
            handler: { state in
                let handler = try downloader(welcomedNode())
                let steps = ["hello?": 0, "introduce?": 1, "open": 2, "listed": 3]
                try handler.received(Array(all.prefix(try #require(steps[state]))))
                return handler
            }, role: .peer,
            taken: [
                // The ring does not name it as a source: what was asked of it before may be on its way.
                "hello?": [.hello], "introduce?": [.introduce], "open": [.list, .reject, .chunk, .proof],
                "listed": [.have, .reject, .chunk, .proof],
            ])
        let differences = try table.differences()
        #expect(differences == [])
    }

    private func downloader(_ node: PeerNode) throws -> DownloadHandler {
        let handler = DownloadHandler(node: node, record: try record())
        handler.began(now: 1)
        return handler
    }

    private func manifest() throws -> Manifest {
        var manifest = Manifest(layout: Sample.layout)
        try manifest.append(first: 0, [Sample.digest, Sample.digest, Sample.digest])
        return manifest
    }

    private func code(_ handler: some ConnectionHandler, _ messages: Message...) -> GoodbyeCode? {
        #expect(throws: ConnectionEnd.self) { try handler.received(messages) }?.code
    }

    @Test func helloesFromTheWrongSide() throws {
        let node = try welcomedNode()
        let own = Message.hello(HelloMessage(role: .peer, swarm: Sample.swarm, node: node.token))
        let foreign = Message.hello(HelloMessage(role: .peer, swarm: Sample.other, node: Sample.other))
        let upload = { UploadHandler(node: node, link: try Link(), identity: 1) }
        #expect(code(try upload(), own) == .selfConnection)
        #expect(code(try upload(), foreign) == .wrongSwarm)
        #expect(code(try upload(), Sample.hello(.owner)) == .badField)
        #expect(code(UploadHandler(node: try peerNode(), link: try Link(), identity: 1), foreign) == .notReady)
        let download = { try downloader(node) }
        #expect(code(try download(), own) == .selfConnection)
        #expect(code(try download(), foreign) == .wrongSwarm)
        #expect(code(try download(), Sample.hello(.owner)) == .wrongSwarm)
        #expect(code(try download(), Sample.hello(.peer), .introduce(peer: 7)) == .wrongSwarm)
        #expect(code(OwnerLinkHandler(node: node, link: try Link(), neighbour: .none), foreign) == .wrongSwarm)
    }

    @Test func fieldsThatNoFileOrRosterHas() throws {
        let owner = {
            let handler = OwnerLinkHandler(node: try peerNode(), link: try Link(), neighbour: .none)
            try handler.received([
                Sample.hello(.owner), .welcome(WelcomeMessage(peer: 0, layout: Sample.layout, name: "file.bin")),
            ])
            return handler
        }
        let entry = RosterEntry(peer: 0, address: Sample.address)
        #expect(code(try owner(), .digests(first: 1, [Sample.digest])) == .badField)
        #expect(code(try owner(), .digests(first: 0, Array(repeating: Sample.digest, count: 4))) == .badField)
        let digests = Message.digests(first: 0, Array(repeating: Sample.digest, count: 3))
        #expect(code(try owner(), digests, .manifestEnd(contentID: Sample.digest)) == .badField)
        #expect(code(try owner(), .manifestEnd(contentID: Sample.digest)) == .unexpectedMessage)
        #expect(code(try owner(), .roster(RosterMessage(start: 1, total: 2, entries: [entry]))) == .badField)
        #expect(code(try owner(), .rosterAdd(position: 0, total: 1, entry)) != nil)
        let roster = Message.roster(RosterMessage(start: 0, total: 1, entries: [entry]))
        #expect(code(try owner(), roster, .rosterAdd(position: 1, total: 2, entry)) == .badField)
        #expect(code(try owner(), roster, .rosterRemove(peer: 5, total: 0)) == .badField)
        for (chunk, byteCount) in [(0, 1023), (2, 1024), (3, 1024)] as [(ChunkID, Int)] {
            let header = FrameHeader(type: .grant, chunk: chunk, payloadByteCount: byteCount)
            let end = #expect(throws: ConnectionEnd.self) { _ = try owner().willReceive(header) }
            #expect(end?.code == .badField)
        }
        let upload = {
            let handler = UploadHandler(node: try welcomedNode(), link: try Link(), identity: 1)
            try handler.received([Sample.hello(.peer), .introduce(peer: 1)])
            return handler
        }
        for (first, count) in [(3, 1), (0, 4), (.max, 1024)] as [(ChunkID, UInt32)] {
            #expect(code(try upload(), .request(first: first, count: count)) == .badField)
        }
        #expect(code(try upload(), .list([0, 3, 0])) == .badField)
        #expect(code(try upload(), .list([7])) == .badField)
    }
}
