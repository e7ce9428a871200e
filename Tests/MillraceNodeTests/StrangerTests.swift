import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// What a stranger sends, and the goodbye code it must get.
struct Stranger: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let code: GoodbyeCode

    static let hello = HelloMessage(role: .peer, swarm: .unknown, node: NodeToken(high: 1, low: 2))

    static let all = [
        Stranger(
            testDescription: "TLS", bytes: [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3] + someBytes(200),
            code: .unknownType),
        Stranger(
            testDescription: "HTTP", bytes: Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), code: .unknownType),
        Stranger(testDescription: "zeros", bytes: Array(repeating: 0, count: 100), code: .unknownType),
        Stranger(testDescription: "ones", bytes: Array(repeating: 0xFF, count: 100), code: .frameTooLong),
        Stranger(testDescription: "another magic", bytes: changed(hello, at: 12, to: 0x6D), code: .badMagic),
        Stranger(testDescription: "a skippable frame first", bytes: header(0, 200), code: .badMagic),
        Stranger(testDescription: "a hello too long", bytes: header(257, 1), code: .frameTooLong),
        Stranger(testDescription: "a list of 4 GB first", bytes: header(.max, 10), code: .frameTooLong),
        Stranger(testDescription: "a hello too short", bytes: header(55, 1), code: .badFrame),
        Stranger(testDescription: "flags", bytes: changed(hello, at: 5, to: 1), code: .badFrame),
        Stranger(testDescription: "version 2", bytes: version(2, 3), code: .versionMismatch),
        Stranger(testDescription: "version 0", bytes: version(0, 0), code: .versionMismatch),
        Stranger(testDescription: "versions upside down", bytes: version(3, 1), code: .versionMismatch),
        Stranger(testDescription: "no such role", bytes: changed(hello, at: 32, to: 2), code: .badField),
        Stranger(
            testDescription: "an owner", code: .badField,
            HelloMessage(role: .owner, swarm: .random(), node: .random())),
        Stranger(
            testDescription: "a join first", bytes: Message.join(JoinMessage(listenPort: 1)).frame,
            code: .unexpectedMessage),
        Stranger(testDescription: "two hellos", bytes: twice(.hello(hello)), code: .unexpectedMessage),
    ]

    /// What only an owner sees: a peer refuses the hello of whoever is in no swarm.
    static let afterHello = [
        Stranger(testDescription: "a frame too long", bytes: helloAnd(header(.max, 10)), code: .frameTooLong),
        Stranger(testDescription: "a type of nobody", bytes: helloAnd(header(0, 77)), code: .unknownType),
        Stranger(
            testDescription: "a list before the join", bytes: helloAnd(Message.list([0]).frame),
            code: .unexpectedMessage),
        Stranger(testDescription: "a chunk", bytes: helloAnd(header(10, 16) + someBytes(10)), code: .unexpectedMessage),
        Stranger(
            testDescription: "a join without a port", bytes: helloAnd(header(44, 2) + Array(repeating: 0, count: 44)),
            code: .badField),
    ]

    init(testDescription: String, bytes: [UInt8], code: GoodbyeCode) {
        self.testDescription = testDescription
        self.bytes = bytes
        self.code = code
    }

    private init(testDescription: String, code: GoodbyeCode, _ hello: HelloMessage) {
        self.init(testDescription: testDescription, bytes: Message.hello(hello).frame, code: code)
    }

    private static func header(_ length: UInt32, _ type: UInt8) -> [UInt8] {
        (0..<4).reversed().map { UInt8(truncatingIfNeeded: length >> (8 * UInt32($0))) } + [type, 0, 0, 0, 0, 0, 0, 0]
    }

    private static func changed(_ hello: HelloMessage, at offset: Int, to value: UInt8) -> [UInt8] {
        var bytes = Message.hello(hello).frame
        bytes[offset] = value
        return bytes
    }

    private static func version(_ low: UInt16, _ high: UInt16) -> [UInt8] {
        var hello = hello
        hello.versionLow = low
        hello.versionHigh = high
        return Message.hello(hello).frame
    }

    private static func twice(_ message: Message) -> [UInt8] { message.frame + message.frame }
    private static func helloAnd(_ bytes: [UInt8]) -> [UInt8] { Message.hello(hello).frame + bytes }
}

@Suite(.timeLimit(.minutes(5))) struct StrangerTests {
    @Test func everyStrangerAtAnOwnerIsToldWhyAndEverybodyElseIsServed() throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.owner { $0.peerCount = 2 }
        let first = try bench.peer("first", of: owner.port)
        for stranger in Stranger.all + Stranger.afterHello {
            let link = try TestLink(port: owner.port)
            try link.send(bytes: stranger.bytes)
            #expect(try link.goodbye() == stranger.code, "\(stranger.testDescription)")
        }
        let second = try bench.peer("second", of: owner.port)
        for peer in [first, second] { _ = try peer.report() }
        #expect(try owner.report().members.count == 2)
    }

    @Test func everyStrangerAtAPeerIsToldWhyAndEverybodyElseIsServed() throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.owner { $0.peerCount = 2 }
        let first = try bench.peer("first", of: owner.port)
        try waitUntil { first.isComplete }
        for stranger in Stranger.all where stranger.testDescription != "two hellos" {
            let link = try TestLink(port: first.port)
            try link.send(bytes: stranger.bytes)
            #expect(try link.goodbye() == stranger.code, "\(stranger.testDescription)")
        }
        let lost = try TestLink(port: first.port)
        try lost.send(.hello(Stranger.hello))
        #expect(try lost.goodbye() == .wrongSwarm)
        let second = try bench.peer("second", of: owner.port) { options in
            options.neighbour = Endpoint(host: nil, port: first.port)
        }
        for peer in [first, second] { _ = try peer.report() }
        _ = try owner.report()
        #expect(bench.output("second") == bench.bytes)
    }

    @Test func aPeerWithoutAnOwnerIsNotReady() throws {
        let bench = try Bench(byteCount: 1)
        let peer = try bench.peer("peer", of: try FreePort.take())
        let link = try TestLink(port: peer.port)
        try link.send(.hello(Stranger.hello))
        #expect(try link.goodbye() == .notReady)
        peer.interrupt.signal()
        #expect(throws: NodeFailure.self) { try peer.report() }
    }

    /// Strangers that say nothing, that stop within a frame, and that say hello and keep the connection alive by ping
    /// alone, hold nobody up; their time is over after 10 s.
    @Test func whoNeverJoinsIsClosedAfterTheHandshakeTime() throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.owner { $0.peerCount = 1 }
        let silent = try TestLink(port: owner.port)
        let half = try TestLink(port: owner.port)
        try half.send(bytes: Array(Message.hello(Stranger.hello).frame.prefix(30)))
        let pinging = try TestLink(port: owner.port)
        try pinging.send(.hello(Stranger.hello), .ping(1))
        for link in [silent, half, pinging] { #expect(try link.goodbye() == .timedOut) }
        _ = try bench.peer("peer", of: owner.port).report()
        _ = try owner.report()
    }

    @Test func aFrameOfALaterVersionIsSkipped() throws {
        let bench = try Bench(byteCount: 1)
        let owner = try bench.owner()
        let link = try TestLink(port: owner.port)
        try link.send(.hello(Stranger.hello))
        try link.send(bytes: [0, 0, 0, 3, 200, 9, 9, 9, 9, 9, 9, 9, 1, 2, 3])
        try link.send(.ping(7), .join(JoinMessage(listenPort: 1)))
        #expect(try link.next(.pong) == .pong(7))
        #expect(try link.next(.welcome) != nil)
        link.close()
        owner.interrupt.signal()
        #expect(throws: NodeFailure.self) { try owner.report() }
    }

    /// Who asks and never reads the answers is left, and makes nobody's memory grow: what it still sends is taken for a
    /// moment, and dropped.
    @Test func aStrangerThatNeverReadsIsNotReadEither() throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.owner { $0.peerCount = 1 }
        let link = try TestLink(port: owner.port)
        try link.send(.hello(Stranger.hello))
        #expect(try !link.canSendForEver(Message.ping(1).frame, limitByteCount: 64 << 30))
        _ = try bench.peer("peer", of: owner.port).report()
        _ = try owner.report()
    }
}

extension TestLink {
    /// Sends the same bytes again and again without reading; false once the other side takes no more for a second.
    func canSendForEver(_ bytes: [UInt8], limitByteCount: Int) throws -> Bool {
        let many = Array(repeatElement(bytes, count: 65536 / bytes.count).joined())
        for _ in 0..<(limitByteCount / many.count) {
            do {
                try send(bytes: many, withinSeconds: 1)
            } catch {
                return false
            }
        }
        return true
    }
}
