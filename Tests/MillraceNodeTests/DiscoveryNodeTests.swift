import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

@Suite(.timeLimit(.minutes(2))) struct DiscoveryNodeTests {
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
        let socket = try DatagramSocket(boundTo: 0)
        let group = SocketAddress(host: .v4(DiscoveryLimits.groupBits), port: DiscoveryLimits.port)
        for length in [0, 1, 20, 511, 513, 1400] {
            for interface in LinkInterface.all() {
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

    @Test func anAddressThatIsNotIPv4CannotBeAnnounced() throws {
        let bench = try Bench(byteCount: 1)
        let owner = try OwnerNode(
            try bench.ownerOptions {
                $0.isAnnounced = true
                $0.listen = Endpoint(host: "::1", port: try! FreePort.take())
            })
        let failure = #expect(throws: NodeFailure.self) { try owner.run() }
        #expect(failure?.code == .network && failure?.text.contains("--announce") == true)
    }
}
