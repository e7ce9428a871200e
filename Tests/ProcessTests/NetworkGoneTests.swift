import Foundation
import Testing

/// An owner and a peer in network namespaces of their own, and the cable between them, which can be pulled.
private final class Cable {
    let owner: String
    let peer: String
    static let isPossible = geteuid() == 0 && Ground.run("ip", "netns") == 0 && Ground.run("ss", "-V") == 0

    init() throws {
        let tag = "millrace-\(UUID().uuidString.prefix(6))"
        (owner, peer) = (tag + "-a", tag + "-b")
        for name in [owner, peer] { try #require(Ground.run("ip", "netns", "add", name) == 0) }
        try #require(
            Ground.run(
                "ip", "-n", owner, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", peer) == 0)
        for (name, number) in [(owner, 1), (peer, 2)] {
            try #require(Ground.run("ip", "-n", name, "addr", "add", "10.78.0.\(number)/24", "dev", "eth0") == 0)
            for device in ["lo", "eth0"] {
                try #require(Ground.run("ip", "-n", name, "link", "set", device, "up") == 0)
            }
        }
    }

    deinit { for name in [owner, peer] { Ground.run("ip", "netns", "del", name) } }

    func set(_ state: String) throws {
        try #require(Ground.run("ip", "-n", peer, "link", "set", "eth0", state) == 0)
    }

    /// Ends all connections of the peer, as the kernel does after minutes without an answer.
    func breakConnections() throws { try #require(Ground.run("ip", "netns", "exec", peer, "ss", "-K", "-t") == 0) }

    func inside(_ name: String) -> [String] { ["/usr/bin/env", "ip", "netns", "exec", name] }
}

@Suite(.timeLimit(.minutes(5)), .enabled(if: Cable.isPossible, "namespaces take root, ip and ss"))
struct NetworkGoneTests {
    /// Pulled in the middle of a transfer and put back: the file comes, and nothing comes twice but what was in flight.
    @Test(arguments: [false, true]) func aCableThatIsPulledForAWhileCostsNothingButTheTime(isBroken: Bool) throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 2_000_000)
        let cable = try Cable()
        let owner = try ground.start(
            "owner", "owner 9000 data.bin --chunk-size 10000 --peers 1 --rate-limit 1MB --timeout 40 -q",
            under: cable.inside(cable.owner))
        let peer = try ground.start(
            "peer", "peer 10.78.0.1:9000 9001 --dir peer --log-format json --timeout 40",
            under: cable.inside(cable.peer))
        try waitUntil { ground.chunkFiles("peer").count > 50 }
        try cable.set("down")
        if isBroken {
            try cable.breakConnections()
            try waitUntil { peer.errors.contains("trying again") }
        } else {
            try waitUntilNothingMoves(ground)
        }
        #expect(ground.data("peer/data.bin") == nil)
        try cable.set("up")
        #expect(try peer.wait() == 0, "\(peer.errors)")
        #expect(try owner.wait() == 0, "\(owner.errors)")
        #expect(ground.data("peer/data.bin") == bytes)
        #expect(peer.output.matches(of: #/"chunk received"/#).count <= 200 + 8)
        #expect(peer.output.matches(of: #/"chunk discarded"/#).count <= 8)
    }

    /// Until no chunk has come for a while: what was on its way is there.
    private func waitUntilNothingMoves(_ ground: Ground) throws {
        var seen = (count: 0, at: Date())
        try waitUntil {
            let count = ground.chunkFiles("peer").count
            if count != seen.count { seen = (count, Date()) }
            return Date().timeIntervalSince(seen.at) > 1.5
        }
    }
}
