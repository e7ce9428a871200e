import Foundation
import MillraceNode
import MillraceWire
import Testing

@testable import MillraceHTTP
@testable import MillraceNode

@Suite(.timeLimit(.minutes(5))) struct StatusTests {
    static let members = [
        NodeStatus.Member(
            peer: 4, address: "10.0.0.4:9001", state: .fetching, held: ChunkSet.all(of: 10), sources: [7, 4],
            bytesSent: 12, seconds: 1.5, strikeCount: 1, isSlow: true),
        NodeStatus.Member(peer: 7, address: "say \"hi\"\\\n", state: .gone, isPresent: false, held: nil, sources: []),
    ]
    static let sources = [
        NodeStatus.Source(
            peer: 7, isConnected: true, bytes: 400, chunkCount: 4, lateCount: 1, outstandingCount: 2,
            waitedSeconds: 2, longestSeconds: 1.25, isSlow: true)
    ]

    private func object(_ status: NodeStatus) throws -> [String: Any] {
        let text = StatusText.json(status)
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func everyFieldIsThere() throws {
        let node = try StubNode(byteCount: 10_000, held: 2..<5)
        guard case .file(let file) = node.fileAccess else { return }
        let object = try object(StubNode.status(file, peer: 3, members: Self.members, sources: Self.sources))
        #expect(object["role"] as? String == "peer")
        #expect(object["phase"] as? String == "fetching")
        #expect(object["peer"] as? Int == 3)
        #expect(object["failure"] is NSNull)
        #expect(object["seconds"] as? Double == 10)
        let described = try #require(object["file"] as? [String: Any])
        #expect(described["name"] as? String == "some file.bin")
        #expect(described["chunks"] as? Int == 10)
        #expect(described["heldChunks"] as? Int == 3)
        #expect(described["heldBytes"] as? Int == 3072)
        #expect(described["map"] as? String == "0099900000")
        let bytes = try #require(object["bytes"] as? [String: Int])
        #expect(bytes == ["fromOwner": 1000, "fromPeers": 2000, "fromDisk": 3, "twice": 4, "sent": 5])
        let members = try #require(object["members"] as? [[String: Any]])
        #expect(members.count == 2)
        #expect(members[0]["slow"] as? Bool == true)
        #expect(members.map { $0["present"] as? Bool } == [true, false])
        #expect(members[0]["sources"] as? [Int] == [7, 4])
        #expect(members[1]["address"] as? String == "say \"hi\"\\\n")
        #expect(members[1]["heldChunks"] is NSNull && members[1]["map"] is NSNull)
        let sources = try #require(object["sources"] as? [[String: Any]])
        #expect(sources[0]["meanSeconds"] as? Double == 0.5)
        #expect(sources[0]["late"] as? Int == 1)
    }

    @Test func theDocumentNamesEveryField() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Documentation/http.md")
        let document = try String(contentsOf: path.standardizedFileURL, encoding: .utf8)
        let node = try StubNode(byteCount: 10_000)
        guard case .file(let file) = node.fileAccess else { return }
        for role in [NodeStatus.Role.owner, .peer] {
            let status = StubNode.status(file, peer: 3, role: role, members: Self.members, sources: Self.sources)
            func names(_ value: Any) -> [String] {
                if let list = value as? [Any] { return list.flatMap { names($0) } }
                guard let object = value as? [String: Any] else { return [] }
                return object.flatMap { [$0.key] + names($0.value) }
            }
            for name in names(try object(status)) { #expect(document.contains("`\(name)`"), "\(name)") }
            let metrics = Metrics.text(status, HTTPCounters().values, .now)
            for line in metrics.split(separator: "\n") where line.hasPrefix("# TYPE ") {
                let name = line.split(separator: " ")[2]
                #expect(document.contains("`\(name)`"), "\(name)")
            }
        }
    }

    @Test func aPeerWithoutOwnerHasNoFile() throws {
        let object = try object(StubNode.status(nil, peer: nil, phase: .waiting))
        #expect(object["file"] is NSNull && object["peer"] is NSNull)
        #expect(object["phase"] as? String == "waiting")
    }

    @Test func healthIsAnsweredByStatus() throws {
        let node = try StubNode(byteCount: 1000)
        guard case .file(let file) = node.fileAccess else { return }
        for (phase, failure, health, ready) in [
            (NodeStatus.Phase.fetching, nil, 200, 503), (.complete, nil, 200, 200), (.leaving, nil, 503, 503),
            (.complete, "broken", 503, 503),
        ] as [(NodeStatus.Phase, String?, Int, Int)] {
            node.set(StubNode.status(file, peer: 1, phase: phase, failure: failure))
            let server = try TestServer(node)
            #expect(try TestClient.ask(server.port, "/healthz").status == health, "\(phase)")
            #expect(try TestClient.ask(server.port, "/readyz").status == ready, "\(phase)")
        }
    }

    /// Ten bytes a second for so many that are missing.
    @Test func whenToTryAgainFollowsFromTheRate() throws {
        let node = try StubNode(byteCount: 10_240, held: 0..<6)
        guard case .file(let file) = node.fileAccess else { return }
        #expect(StubNode.status(file, peer: 1).retryAfterSeconds == 14)
        #expect(StubNode.status(nil, peer: nil).retryAfterSeconds == 5)
    }
}
