import MillraceIO
import MillraceStore
import MillraceWire
import Testing

@testable import MillraceNode

/// What a source does to a peer that fetches from it, and the goodbye code it must get.
struct HostileSource: Sendable, CustomTestStringConvertible {
    enum Stage: Sendable {
        case hello, introduce, open
        /// Its list has come, and the peer has asked for all three chunks.
        case asked
    }

    let testDescription: String
    let stage: Stage
    let code: GoodbyeCode
    let bytes: @Sendable (ScriptedOwner) -> [UInt8]

    init(_ text: String, _ stage: Stage, _ code: GoodbyeCode, _ bytes: @escaping @Sendable (ScriptedOwner) -> [UInt8]) {
        testDescription = text
        (self.stage, self.code, self.bytes) = (stage, code, bytes)
    }

    init(_ text: String, _ stage: Stage, _ code: GoodbyeCode, _ message: Message) {
        self.init(text, stage, code) { _ in message.frame }
    }

    static func carrying(_ type: MessageType, _ chunk: ChunkID, _ payload: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        FrameHeader(type: type, chunk: chunk, payloadByteCount: payload.count).append(to: &frame)
        return frame + payload
    }

    private static func hello(_ role: NodeRole, swarm: NodeToken? = nil) -> @Sendable (ScriptedOwner) -> [UInt8] {
        { Message.hello(HelloMessage(role: role, swarm: swarm ?? $0.swarm, node: .random())).frame }
    }

    static let all = [
        HostileSource("it is an owner", .hello, .wrongSwarm, hello(.owner)),
        HostileSource("it is of another swarm", .hello, .wrongSwarm, hello(.peer, swarm: NodeToken(high: 9, low: 9))),
        HostileSource("it is in no swarm", .hello, .wrongSwarm, hello(.peer, swarm: .unknown)),
        HostileSource("no hello", .hello, .unexpectedMessage, .introduce(peer: 1)),
        HostileSource("it speaks HTTP", .hello, .unknownType) { _ in Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8) },
        HostileSource("it is another peer", .introduce, .wrongSwarm, .introduce(peer: 7)),
        HostileSource("no introduction", .introduce, .unexpectedMessage, .list([0])),
        HostileSource("two introductions", .open, .unexpectedMessage, .introduce(peer: 1)),
        HostileSource("two hellos", .open, .unexpectedMessage, hello(.peer)),
        HostileSource("an addition before the list", .open, .unexpectedMessage, .have([0])),
        HostileSource("a chunk that was not asked for", .open, .unexpectedMessage) { carrying(.chunk, 0, $0.chunk(0)) },
        HostileSource("a reject of what was not asked for", .open, .unexpectedMessage, .reject(0, .notHeld)),
        HostileSource("a reject of no chunk", .open, .badField, .reject(3, .notHeld)),
        HostileSource("a grant", .open, .unexpectedMessage) { carrying(.grant, 0, $0.chunk(0)) },
        HostileSource("a request", .open, .unexpectedMessage, .request(first: 0, count: 1)),
        HostileSource("an owner's message", .open, .unexpectedMessage, .finished),
        HostileSource("a list of no form", .open, .badField, .list([7])),
        HostileSource("a list cut off", .open, .badFrame, .list([0, 0])),
        HostileSource("a list of chunks beyond the last", .open, .badField, .list([0, 3, 0])),
        HostileSource("a bitmap too long", .open, .badField, .list([1, 7, 0])),
        HostileSource("a bitmap with spare bits", .open, .badField, .list([1, 15])),
        HostileSource("a list of 4 GB", .open, .frameTooLong) { _ in [255, 255, 255, 255, 10, 0, 0, 0, 0, 0, 0, 0] },
        HostileSource("two lists, the second shorter", .asked, .unexpectedMessage, .list([0])),
        HostileSource("right length, wrong bytes", .asked, .badChunk) { _ in
            carrying(.chunk, 0, someBytes(1024, seed: 99))
        },
        HostileSource("a chunk too short", .asked, .badField) { _ in carrying(.chunk, 0, someBytes(1023)) },
        HostileSource("a chunk too long", .asked, .badField) { _ in carrying(.chunk, 0, someBytes(1025)) },
        HostileSource("another chunk's length", .asked, .badField) { _ in carrying(.chunk, 2, someBytes(1024)) },
        HostileSource("a chunk beyond the last", .asked, .badField) { _ in carrying(.chunk, 3, someBytes(1024)) },
        HostileSource("a chunk twice", .asked, .unexpectedMessage) {
            carrying(.chunk, 0, $0.chunk(0)) + carrying(.chunk, 0, $0.chunk(0))
        },
        HostileSource("a chunk and its reject", .asked, .unexpectedMessage) {
            carrying(.chunk, 0, $0.chunk(0)) + Message.reject(0, .notHeld).frame
        },
        HostileSource("reserved bits", .asked, .badFrame) { _ in [0, 0, 0, 0, 9, 1, 0, 0, 0, 0, 0, 0] },
        HostileSource("a type of nobody", .asked, .unknownType) { _ in [0, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0] },
    ]
}

@Suite(.timeLimit(.minutes(5))) struct HostileSourceTests {
    /// The source is told why and left, and the peer gets the file from its owner all the same.
    @Test(arguments: HostileSource.all) func aHostileSourceIsToldWhyAndHoldsUpNobody(row: HostileSource) throws {
        let (owner, source) = (try ScriptedOwner(), try ScriptedSource())
        let bench = try Bench(byteCount: 1)
        let peer = try bench.peer("peer", of: owner.port)
        let (link, join) = try owner.meet()
        try owner.welcome(link, join, source: source.port)
        let hostile = try source.meet()
        if row.stage != .hello { try hostile.send(source.hello(owner.swarm)) }
        if row.stage == .open || row.stage == .asked {
            try hostile.send(.introduce(peer: 1))
            guard try hostile.next(.listRequest) != nil else { throw TookTooLong() }
        }
        if row.stage == .asked {
            try hostile.send(.list(ChunkIDList.encode(.all(of: 3))))
            for _ in 0..<3 { guard try hostile.next(.request) != nil else { throw TookTooLong() } }
        }
        try hostile.send(bytes: row.bytes(owner))
        #expect(try hostile.goodbye() == row.code)
        #expect(try hostile.receive() == .closed)
        hostile.close()
        try owner.serve(link)
        link.close()
        #expect(try peer.report().contentID == owner.contentID)
        #expect(bench.output("peer") == owner.bytes)
        if row.code == .badChunk { #expect(peer.node.report.badChunkSources == [1]) }
    }
}

/// What an owner does to a peer that has joined, and the goodbye code it must get.
@Suite(.timeLimit(.minutes(5))) struct HostileOwnerTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let isWelcome: Bool
        let code: GoodbyeCode
        let bytes: @Sendable (ScriptedOwner) -> [UInt8]

        init(
            _ text: String, isWelcome: Bool = true, _ code: GoodbyeCode,
            _ bytes: @escaping @Sendable (ScriptedOwner) -> [UInt8]
        ) {
            testDescription = text
            (self.isWelcome, self.code, self.bytes) = (isWelcome, code, bytes)
        }
    }

    private static func carrying(_ type: MessageType, _ chunk: ChunkID, _ payload: [UInt8]) -> [UInt8] {
        HostileSource.carrying(type, chunk, payload)
    }

    private static let entry = RosterEntry(peer: 1, address: PeerAddress(host: .ownersHost, port: 9))

    static let rows = [
        Row("no welcome", isWelcome: false, .unexpectedMessage) {
            Message.digests(first: 0, $0.manifest.digests).frame
        },
        Row("two welcomes", .unexpectedMessage) { $0.welcome.frame },
        Row("two hellos", .unexpectedMessage) {
            Message.hello(HelloMessage(role: .owner, swarm: $0.swarm, node: .random())).frame
        },
        Row("digests again", .badField) { Message.digests(first: 0, $0.manifest.digests).frame },
        Row("digests beyond the last", .badField) { Message.digests(first: 2, [$0.contentID, $0.contentID]).frame },
        Row("an end too early", .unexpectedMessage) { Message.manifestEnd(contentID: $0.contentID).frame },
        Row("a wrong content ID", .badField) {
            Message.digests(first: 2, [$0.manifest.digests[2]]).frame
                + Message.manifestEnd(contentID: $0.manifest.digests[0]).frame
        },
        Row("a change of no roster", .badField) { _ in Message.rosterAdd(position: 0, total: 1, entry).frame },
        Row("a part of the roster out of place", .badField) { _ in
            Message.roster(RosterMessage(start: 1, total: 2, entries: [entry])).frame
        },
        Row("a chunk nobody rescued", .unexpectedMessage) { carrying(.chunk, 0, $0.chunk(0)) },
        Row("a reject of nothing", .unexpectedMessage) { _ in Message.reject(0, .unreadable).frame },
        Row("advice nobody asked for", .unexpectedMessage) { _ in Message.ask(0, peer: 1).frame },
        Row("advice about no chunk", .badField) { _ in Message.ask(3, peer: 1).frame },
        Row("a grant of wrong bytes", .badChunk) { _ in carrying(.grant, 0, someBytes(1024, seed: 99)) },
        Row("a grant of a wrong length", .badField) { _ in carrying(.grant, 0, someBytes(1000)) },
        Row("a grant of no chunk", .badField) { _ in carrying(.grant, 3, someBytes(1024)) },
        Row("a request", .unexpectedMessage) { _ in Message.request(first: 0, count: 1).frame },
        Row("a list nobody asked for", .unexpectedMessage) { _ in Message.list([0]).frame },
        Row("an introduction", .unexpectedMessage) { _ in Message.introduce(peer: 0).frame },
    ]

    @Test(arguments: rows) func aHostileOwnerIsToldWhy(row: Row) throws {
        let owner = try ScriptedOwner()
        let bench = try Bench(byteCount: 1)
        let peer = try bench.peer("peer", of: owner.port)
        // Once may be the wire's fault, or a change that crossed another: the peer comes again.
        for _ in 0..<(row.isWelcome && row.code != .badChunk ? NodeLimits.ownerFaultLimit : 1) {
            let (link, _) = try owner.meet()
            if row.isWelcome {
                try link.send(owner.welcome, .digests(first: 0, Array(owner.manifest.digests.prefix(2))))
                guard try link.next(.credit) != nil else { throw TookTooLong() }
            }
            try link.send(bytes: row.bytes(owner))
            #expect(try link.goodbye() == row.code)
            link.close()
        }
        if row.code == .badChunk {
            // It may have been the wire: the peer comes again.
            _ = try owner.meet()
            peer.interrupt.signal()
        }
        let failure = #expect(throws: NodeFailure.self) { try peer.report() }
        #expect(failure?.code == (row.code == .badChunk ? .interrupted : .protocolFault))
        #expect(bench.output("peer") == nil)
    }

    @Test func oneFaultOfAnOwnerCostsItsConnection() throws {
        let owner = try ScriptedOwner()
        let bench = try Bench(byteCount: 1)
        let peer = try bench.peer("peer", of: owner.port)
        let (first, _) = try owner.meet()
        try first.send(owner.welcome, .roster(RosterMessage(start: 1, total: 2, entries: [Self.entry])))
        #expect(try first.goodbye() == .badField)
        first.close()
        let (second, _) = try owner.meet()
        try second.send(
            owner.welcome, .digests(first: 0, owner.manifest.digests), .manifestEnd(contentID: owner.contentID))
        try owner.serve(second)
        #expect(try peer.report().isComplete)
        #expect(bench.output("peer") == owner.bytes)
    }

    @Test func whoIsTakenOutDoesNotComeBack() throws {
        let owner = try ScriptedOwner()
        let bench = try Bench(byteCount: 1)
        let peer = try bench.peer("peer", of: owner.port)
        let (link, _) = try owner.meet()
        try link.send(owner.welcome, .goodbye(.evicted, reason: "bad chunks"))
        let failure = #expect(throws: NodeFailure.self) { try peer.report() }
        #expect(failure?.code == .integrity)
    }
}
