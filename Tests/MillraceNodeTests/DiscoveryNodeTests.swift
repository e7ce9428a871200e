import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

@Suite(.timeLimit(.minutes(5))) struct DiscoveryNodeTests {
    @Test func aFloodOfQueriesGetsABoundedNumberOfReplies() {
        var pace = DiscoveryPace(now: 0)
        let atOnce = (0..<1000).count { _ in pace.allows(at: 0) }
        #expect(atOnce == 20)
        let inASecond = (1...1000).count { pace.allows(at: UInt64($0) * 1_000_000) }
        #expect((49...51).contains(inASecond))
        let later = pace.allows(at: 3_600_000_000_000)
        #expect(later)
    }

    /// Other owners may announce themselves on this machine meanwhile: only those with the test's own names count.
    @Test func anOwnerThatAnnouncesItselfIsFoundAndOneThatDoesNotIsNot() throws {
        let name = "\(UInt64.random(in: 0...UInt64.max)).bin"
        let bench = try Bench(byteCount: 2500, name: name)
        let loud = try bench.owner { $0.isAnnounced = true }
        let still = try bench.owner { $0.common.folder += "-still" }
        try waitUntil { try Self.found(name).contains { $0.contentID != nil } }
        let found = try Self.found(name)
        #expect(found.map(\.endpoint.port) == [loud.port])
        #expect(found.first?.fileByteCount == 2500)
        #expect(found.first?.contentID == loud.node.report.contentID)
        #expect(found.first?.text.contains("\(name)  2.5 kB  content ID ") == true)
        for owner in [loud, still] { owner.interrupt.signal() }
    }

    private static func found(_ name: String) throws -> [FoundOwner] {
        try Discovery.look().filter { $0.name == name }
    }

    @Test func whatIsNoQueryGetsNoReplyAndIsSurvived() throws {
        let name = "\(UInt64.random(in: 0...UInt64.max)).bin"
        let bench = try Bench(byteCount: 1, name: name)
        let owner = try bench.owner { $0.isAnnounced = true }
        let socket = try DatagramSocket(boundTo: .v4(0))
        let group = SocketAddress(discoveryGroupLike: .v4(0))
        for length in [0, 1, 20, 511, 513, 1400] {
            for interface in try LinkInterface.all() {
                socket.send(Array(repeating: 77, count: length), to: group, by: interface)
            }
        }
        let ready = try WaitPoint.wait(
            socket: socket.descriptor, forReading: true, forWriting: false, wake: nil,
            untilNanoseconds: MonotonicClock.nowNanoseconds + 300_000_000)
        #expect(ready.isEmpty)
        #expect(try Self.found(name).count == 1)
        owner.interrupt.signal()
    }

    @Test(arguments: ["127.0.0.1", "::1"]) func anOwnerOnOneAddressIsFoundAtNoOther(host: String) throws {
        let name = "\(UInt64.random(in: 0...UInt64.max)).bin"
        let bench = try Bench(byteCount: 1, name: name)
        let owner = try bench.owner {
            $0.isAnnounced = true
            $0.listen = Endpoint(host: host, port: try! FreePort.take())
        }
        let found = try Self.found(name)
        // A loopback interface is not in every kernel's routes for groups of IPv6.
        #expect(found.allSatisfy { $0.endpoint.host == host } && (found.count == 1 || host == "::1"), "\(found)")
        owner.interrupt.signal()
    }

    @Test func anAddressThatIsGoodEverywhereIsTheOneThatCounts() {
        let reply = DiscoveryReply(
            token: 1, listenPort: 9000, layout: try! ChunkLayout(fileByteCount: 1, chunkByteCount: 1024), name: "a",
            swarm: NodeToken(high: 1, low: 2), contentID: nil)
        let link = SocketAddress(host: .v6(high: 0xFE80 << 48, low: 7, scope: 1), port: 5)
        let address = SocketAddress(host: .v4(0x0A00_0007), port: 5)
        for order in [[link, address, link], [address, link]] {
            var found: [FoundOwner] = []
            for from in order { Discovery.note(FoundOwner(reply, from: from), in: &found) }
            #expect(found.map(\.endpoint) == [Endpoint(host: "10.0.0.7", port: 9000)])
        }
        let onLink = FoundOwner(reply, from: link).endpoint
        #expect("\(onLink)" == "[fe80::7%lo]:9000" && Endpoint("\(onLink)") == onLink)
    }

    /// Addresses of a link's own come without an interface over the wire.
    @Test func anAddressOfTheLinkIsWhereTheOwnerIs() throws {
        let wire = PeerAddress(host: .v6(high: 0xFE80 << 48, low: 9), port: 9001)
        let expected = SocketAddress(host: .v6(high: 0xFE80 << 48, low: 9, scope: 4), port: 9001)
        #expect(SocketAddress(wire, owner: nil, link: 4) == expected)
        let anywhere = PeerAddress(host: .v6(high: 0x2001_0DB8 << 32, low: 9), port: 9001)
        let there = SocketAddress(host: .v6(high: 0x2001_0DB8 << 32, low: 9, scope: 0), port: 9001)
        #expect(SocketAddress(anywhere, owner: nil, link: 4) == there)
        let loopback = try LinkInterface.all().first { $0.hosts.contains(.v4(0x7F00_0001)) }
        #expect(SocketAddress.Host.v4(0x7F00_0001).interfaceNumber == loopback?.number)
        #expect(SocketAddress.Host.v6(high: 1, low: 1, scope: 9).interfaceNumber == 9)
        #expect(SocketAddress.Host.v4(0xC000_0201).interfaceNumber == 0)
    }
}
