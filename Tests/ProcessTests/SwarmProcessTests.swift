import Foundation
import Testing

/// Owners and peers as people start them.
@Suite(.timeLimit(.minutes(3))) struct SwarmProcessTests {
    @Test func anOwnerAndFivePeersInARing() throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 1_500_000)
        let ports = try FreePort.take(6)
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --peers 5")
        let peers = try (1...5).map { index in
            try ground.start("peer-\(index)", "peer \(ports[0]) \(ports[index]) \(ports[index % 5 + 1])")
        }
        for peer in peers { #expect(try peer.wait() == 0) }
        #expect(try owner.wait() == 0)
        for index in 1...5 { #expect(ground.data("peer-\(ports[index])/data.bin") == bytes) }
        for node in ["owner-\(ports[0])"] + (1...5).map({ "peer-\(ports[$0])" }) {
            #expect(ground.chunkFiles(node).count == 15)
            #expect(Data(ground.chunkFiles(node).flatMap { ground.data($0) ?? Data() }) == bytes)
            #expect(ground.summary(node).contains("chunks: 0-14"))
        }
        let said = ([owner] + peers).map(\.output).joined()
        for event in eventNames { #expect(said.contains(": \(event) "), "\(event)") }
        for event in ["chunk sent", "chunk ID list received", "request received"] {
            #expect(owner.output.contains(": \(event) "), "\(event)")
        }
        #expect(owner.output.contains("1.000 times the file"))
    }

    @Test func theJSONLogParsesAndReportsTheEgress() throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 5_000_000)
        let ports = try FreePort.take(4)
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --peers 3 --log-format json --store flat")
        let peers = try (1...3).map { index in
            try ground.start("peer-\(index)", "peer \(ports[0]) \(ports[index]) --log-format json --store flat")
        }
        for peer in peers { #expect(try peer.wait() == 0) }
        #expect(try owner.wait() == 0)
        var events: Set<String> = []
        for child in [owner] + peers {
            let lines = child.output.split(separator: "\n").map { Data($0.utf8) }
            let objects = try lines.map { try #require(try JSONSerialization.jsonObject(with: $0) as? [String: Any]) }
            events.formUnion(objects.compactMap { $0["event"] as? String })
            #expect(objects.last?["event"] as? String == "report")
            #expect(objects.dropLast().compactMap { $0["sequence"] as? Int } == (1..<objects.count).map { $0 })
            guard child === owner else { continue }
            #expect(try #require(objects.last?["egress"] as? Double) < 1.05)
        }
        #expect(events == Set(eventNames + ["report"]))
        for index in 1...3 { #expect(ground.data("peer-\(ports[index])/data.bin") == bytes) }
    }

    @Test(arguments: ["%", "127.0.0.1:%", "localhost:%", "[::1]:%"])
    func anOwnerIsNamedByPortOrByHostAndPort(form: String) throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 120_000)
        let ports = try FreePort.take(3)
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --peers 2")
        let named = ports.map { form.replacingOccurrences(of: "%", with: "\($0)") }
        let peers = [
            try ground.start("1", "peer \(named[0]) \(ports[1]) \(named[2])"),
            try ground.start("2", "peer \(named[0]) \(named[2]) \(named[1])"),
        ]
        for peer in peers { #expect(try peer.wait() == 0) }
        #expect(try owner.wait() == 0)
        for index in 1...2 { #expect(ground.data("peer-\(ports[index])/data.bin") == bytes) }
    }

    @Test(arguments: ["with some blanks.bin", "żółw 🐢 file", "-starts-with-a-dash", "100% \"quoted\" \\ name"])
    func anyOrdinaryNameArrives(name: String) throws {
        let ground = try Ground()
        let bytes = try ground.file(name, byteCount: 1)
        let ports = try FreePort.take(2)
        let owner = try ground.start("owner", "owner --peers 1 --log-format json --", "\(ports[0])", name)
        let peer = try ground.start("peer", "peer \(ports[0]) \(ports[1]) --log-format json")
        #expect(try peer.wait() == 0)
        #expect(try owner.wait() == 0)
        #expect(ground.data("peer-\(ports[1])/\(name)") == bytes)
        let report = try #require(peer.output.split(separator: "\n").last)
        let object = try JSONSerialization.jsonObject(with: Data(report.utf8)) as? [String: Any]
        #expect(object?["name"] as? String == name)
    }

    @Test func twoSwarmsSideBySide() throws {
        let ground = try Ground()
        let bytes = try ["a", "b"].enumerated().map {
            try ground.file("\($1).bin", byteCount: 400_000, seed: UInt64($0))
        }
        let ports = try FreePort.take(6)
        var children: [Child] = []
        for (swarm, name) in ["a", "b"].enumerated() {
            let own = ports[(3 * swarm)..<(3 * swarm + 3)].map { $0 }
            children.append(try ground.start("owner-\(name)", "owner \(own[0]) \(name).bin --peers 2"))
            children.append(try ground.start("1-\(name)", "peer \(own[0]) \(own[1]) \(own[2])"))
            children.append(try ground.start("2-\(name)", "peer \(own[0]) \(own[2]) \(own[1])"))
        }
        for child in children { #expect(try child.wait() == 0) }
        for index in [1, 2] {
            #expect(ground.data("peer-\(ports[index])/a.bin") == bytes[0])
            #expect(ground.data("peer-\(ports[3 + index])/b.bin") == bytes[1])
        }
    }

    @Test func peersThatStartBeforeTheirOwner() throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 120_000)
        let ports = try FreePort.take(3)
        let peers = try (1...2).map { try ground.start("peer-\($0)", "peer \(ports[0]) \(ports[$0])") }
        for peer in peers { try waitUntil { peer.errors.contains("no owner listens") } }
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --peers 2")
        for peer in peers { #expect(try peer.wait() == 0) }
        #expect(try owner.wait() == 0)
        for index in 1...2 { #expect(ground.data("peer-\(ports[index])/data.bin") == bytes) }
    }

    @Test func theDemoChecksItsCopies() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 300_000)
        let demo = try ground.start("demo", "demo data.bin --peers 3 -q --dir work")
        #expect(try demo.wait() == 0)
        #expect(demo.output.components(separatedBy: "is identical to the source").count == 4)
    }
}
