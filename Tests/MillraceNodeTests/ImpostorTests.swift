import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// Somebody connects under another member's number, which anybody can.
@Suite(.timeLimit(.minutes(5))) struct ImpostorTests {
    private let bench: Bench
    private let owner: ScriptedOwner
    private let source: TestListener
    private let peer: RunningPeer
    private let fromOwner: TestLink

    /// A peer that has been welcomed, on a ring with member 1, and holds nothing.
    init() throws {
        (owner, source) = (try ScriptedOwner(), try TestListener())
        bench = try Bench(byteCount: 1)
        peer = try bench.peer("peer", of: owner.port)
        let (link, join) = try owner.meet()
        try owner.welcome(link, join, source: source.port)
        guard try link.next(.credit) != nil else { throw TookTooLong() }
        fromOwner = link
    }

    /// Member 1, or who says so, as it fetches from the peer; its token is its own.
    private func client(_ messages: Message...) throws -> TestLink {
        let link = try TestLink(port: peer.port)
        try link.send(
            .hello(HelloMessage(role: .peer, swarm: owner.swarm, node: .random())), .introduce(peer: 1), .listRequest)
        for message in messages { try link.send(message) }
        guard try link.next(.list) != nil else { throw TookTooLong() }
        return link
    }

    private func end() {
        peer.interrupt.signal()
        _ = try? peer.report()
    }

    @Test func whatItListsKeepsNoNewsFromTheMember() throws {
        let member = try client()
        let impostor = try client(.list([0, 0, 2]), .ping(1))
        #expect(try impostor.next(.pong) != nil)
        try fromOwner.send(.grant, 0, owner.chunk(0))
        let news = try member.next(.have, withinSeconds: 5)
        #expect(news == .have([1, 1]))
        end()
    }

    @Test func whatItListsIsNotAskedOfTheMember() throws {
        guard let member = try source.accept() else { throw TookTooLong() }
        try member.send(
            .hello(HelloMessage(role: .peer, swarm: owner.swarm, node: .random())), .introduce(peer: 1))
        guard try member.next(.listRequest) != nil else { throw TookTooLong() }
        let impostor = try client(.list([0, 0, 2]), .ping(1))
        #expect(try impostor.next(.pong) != nil)
        try member.send(.list([0]), .have([0, 1, 0]), .ping(2))
        var asked: [ChunkID] = []
        while case .message(let message) = try member.receive(), message != .pong(2) {
            if case .request(let chunk, _) = message { asked.append(chunk) }
        }
        #expect(asked == [1])
        end()
    }
}
