import MillraceIO
import MillraceNode
import Testing

@testable import MillraceHTTP

@Suite(.timeLimit(.minutes(5))) struct ServerTests {
    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get"])
    func everythingIsReadOnly(method: String) throws {
        let server = try TestServer(try StubNode(byteCount: 10))
        for path in ["/", "/file", "/status"] {
            let answer = try TestClient.ask(server.port, path, method: method)
            #expect(answer.status == 405)
            #expect(answer.header("allow") == "GET, HEAD")
        }
    }

    @Test(arguments: ["/", "/file", "/status", "/metrics", "/healthz", "/nothing"])
    func aForeignHostIsTurnedAway(path: String) throws {
        let node = try StubNode(byteCount: 10)
        let server = try TestServer(node)
        #expect(try TestClient.ask(server.port, path, host: "evil.example:\(server.port)").status == 421)
        let absolute = try TestClient.ask(server.port, "http://evil.example\(path)", host: "localhost")
        #expect(absolute.status == 421)
        #expect(node.statusCount.withLock { $0 } == 0)
    }

    @Test(arguments: ["127.0.0.1", "localhost", "[::1]:80", "LOCALHOST:9"]) func itsOwnNamesPass(host: String) throws {
        let server = try TestServer(try StubNode(byteCount: 10))
        #expect(try TestClient.ask(server.port, "/healthz", host: host).status == 200)
    }

    /// No path from outside is ever one on disk.
    @Test(arguments: [
        "/../flat", "/flat", "/%2e%2e/flat", "/..%2fflat", "//flat", "/./file", "/file/", "/chunks", "/etc/passwd",
        "/%00", "/some%20file.bin/..", "/%ff", "/FILE",
    ])
    func noOtherPathLeadsAnywhere(path: String) throws {
        let server = try TestServer(try StubNode(byteCount: 10))
        #expect(try TestClient.ask(server.port, path).status == 404)
    }

    @Test(arguments: ["/", "/file", "/status", "/metrics", "/nothing"])
    func noAnswerLetsOthersIn(path: String) throws {
        let server = try TestServer(try StubNode(byteCount: 10))
        let answer = try TestClient.ask(server.port, path, ["Origin: http://evil.example"])
        #expect(answer.header("access-control-allow-origin") == nil)
        #expect(answer.header("x-content-type-options") == "nosniff")
        #expect(answer.header("cross-origin-resource-policy") == "same-origin")
        let policy = try #require(answer.header("content-security-policy"))
        #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
        #expect(!policy.contains("unsafe") && !policy.contains("*"))
    }

    @Test func requestsFollowOneAnother() throws {
        let node = try StubNode(byteCount: 3000)
        let server = try TestServer(node)
        var client = try TestClient(port: server.port)
        try client.send(
            TestClient.request("/healthz") + TestClient.request("/file", ["Range: bytes=5-9"])
                + TestClient.request("/nothing") + TestClient.request("/file", method: "HEAD")
                + TestClient.request("/file", ["Connection: close"]))
        #expect(try client.answer().text == "peer fetching\n")
        #expect(try client.answer().body == Array(node.bytes[5..<10]))
        #expect(try client.answer().status == 404)
        #expect(try client.answer(isHead: true).status == 200)
        #expect(try client.answer().body == node.bytes)
        #expect(try client.closes())
    }

    /// As somebody types it, and as a slow line carries it: the server waits in between.
    @Test func aRequestMayComeInPieces() throws {
        let server = try TestServer(try StubNode(byteCount: 10))
        var client = try TestClient(port: server.port)
        var looks = 0
        for piece in TestClient.request("/healthz").split(separator: "\r\n", omittingEmptySubsequences: false) {
            try client.send(piece.isEmpty ? "\r\n" : "\r\n\(piece)")
            // An answer to somebody else says that the server has had time.
            looks += try TestClient.ask(server.port, "/healthz").status == 200 ? 1 : 0
        }
        #expect(looks == 4)
        #expect(try client.answer().status == 200)
    }

    /// The wrong port, typed as the owner's: the first message of a node that connects.
    @Test func aNodeThatTakesItForAnOwnerDoesNoHarm() throws {
        var patience = HTTPPatience()
        patience.requestNanoseconds = 100_000_000
        let server = try TestServer(try StubNode(byteCount: 10), patience: patience)
        var client = try TestClient(port: server.port)
        try client.send("\0\0\0\u{38}\u{1}\0\0\0\0\0\0\0MILLRACE" + String(repeating: "\u{1}\0", count: 24))
        #expect(try client.answer(withinSeconds: 5).status == 408)
        #expect(try TestClient.ask(server.port, "/healthz").status == 200)
    }

    @Test func aBodyIsNotTakenForTheNextRequest() throws {
        let server = try TestServer(try StubNode(byteCount: 10))
        var client = try TestClient(port: server.port)
        let inner = TestClient.request("/file")
        try client.send(
            TestClient.request("/healthz", ["Content-Length: \(inner.utf8.count)"]) + inner)
        #expect(try client.answer().status == 200)
        #expect(throws: TookTooLong.self) { try client.answer() }
    }

    @Test(arguments: ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\r\n\r\n"])
    func whatIsNoRequestIsAnsweredOnce(text: String) throws {
        let server = try TestServer(try StubNode(byteCount: 10))
        var client = try TestClient(port: server.port)
        try client.send(text)
        #expect(try client.answer().status == 400)
        #expect(try client.closes())
    }

    @Test func connectionsHaveABound() throws {
        let server = try TestServer(try StubNode(byteCount: 10))
        var clients: [TestClientBox] = []
        for _ in 0..<HTTPLimits.connectionCountPerHost {
            let box = try TestClientBox(port: server.port)
            #expect(try box.ask("/healthz").status == 200)
            clients.append(box)
        }
        var other = try TestClient(port: server.port)
        let refusal = try other.answer()
        #expect(refusal.status == 503 && refusal.header("retry-after") != nil)
        #expect(try other.closes())
        #expect(try clients[0].ask("/healthz").status == 200)
        clients.removeLast()
        var isServed = false
        for _ in 0..<200 where !isServed { isServed = (try? TestClient.ask(server.port, "/healthz").status) == 200 }
        #expect(isServed)
    }

    @Test func aRequestThatIsNotFinishedIsNotWaitedForForEver() throws {
        var patience = HTTPPatience()
        patience.requestNanoseconds = 100_000_000
        let server = try TestServer(try StubNode(byteCount: 10), patience: patience)
        var client = try TestClient(port: server.port)
        try client.send("GET /healthz HTTP/1.1\r\nHost: ")
        #expect(try client.answer(withinSeconds: 5).status == 408)
        #expect(try client.closes(withinSeconds: 5))
    }

    @Test func anIdleConnectionIsClosed() throws {
        var patience = HTTPPatience()
        patience.idleNanoseconds = 100_000_000
        let server = try TestServer(try StubNode(byteCount: 10), patience: patience)
        var client = try TestClient(port: server.port)
        try client.send(TestClient.request("/healthz"))
        #expect(try client.answer().status == 200)
        #expect(try client.closes(withinSeconds: 5))
    }

    /// What the kernel holds for it must not make a reader look as if it took nothing.
    @Test func aSlowReaderIsServedToTheEndAndKeepsTheNode() throws {
        var patience = HTTPPatience()
        patience.stallNanoseconds = 1_000_000_000
        let node = try StubNode(byteCount: 12_000_000, chunkByteCount: 1 << 20)
        let server = try TestServer(node, patience: patience)
        var client = try TestClient(port: server.port)
        client.setWindowLimit(byteCount: 64 * 1024)
        try client.send(TestClient.request("/file"))
        // 640 KB a second, for three times as long as a reader may take nothing.
        let start = MonotonicClock.nowNanoseconds
        for step in 1...30 {
            let deadline = start + UInt64(step) * 100_000_000
            try client.read(byteCount: 64 * 1024, until: deadline + 10_000_000_000)
            if step == 15 { #expect(node.served.withLock { $0 } > 3) }
            _ = try WaitPoint.wait(
                socket: -1, forReading: false, forWriting: false, wake: nil, untilNanoseconds: deadline)
        }
        #expect(try client.answer().body == node.bytes)
    }

    /// More than the sockets hold, and nobody who takes it.
    @Test func aReaderThatTakesNothingIsGone() throws {
        var patience = HTTPPatience()
        patience.stallNanoseconds = 100_000_000
        let node = try StubNode(byteCount: 30_000_000, chunkByteCount: 102_400)
        let server = try TestServer(node, patience: patience)
        let box = try TestClientBox(port: server.port)
        try box.send("/file")
        let deadline = MonotonicClock.nowNanoseconds + 10_000_000_000
        var text = ""
        while MonotonicClock.nowNanoseconds < deadline, !text.contains("millrace_http_connections 1\n") {
            text = try TestClient.ask(server.port, "/metrics").text
        }
        #expect(text.contains("millrace_http_connections 1\n"), "its thread has ended; this look is the one there is")
    }

    @Test func aServerThatEndsClosesWhatIsIdle() throws {
        let server = try TestServer(try StubNode(byteCount: 10))
        var client = try TestClient(port: server.port)
        try client.send(TestClient.request("/healthz"))
        #expect(try client.answer().status == 200)
        let start = MonotonicClock.nowNanoseconds
        server.server.stop()
        #expect(try client.closes(withinSeconds: 5))
        #expect(MonotonicClock.nowNanoseconds - start < 5_000_000_000)
    }

    @Test func aTakenPortIsAFailureOfItsOwn() throws {
        let node = try StubNode(byteCount: 10)
        let server = try TestServer(node)
        let failure = #expect(throws: NodeFailure.self) {
            _ = try HTTPServer(Endpoint(host: nil, port: server.port), node: node)
        }
        #expect(failure?.code == .network)
        #expect(failure?.text.contains("--http") == true)
    }

    /// However many look: one status for all of them in a quarter of a second.
    @Test func manyWhoLookCostOneLook() throws {
        let node = try StubNode(byteCount: 10)
        let server = try TestServer(node)
        let start = MonotonicClock.nowNanoseconds
        for _ in 0..<50 { _ = try TestClient.ask(server.port, "/status") }
        let quarters = Int((MonotonicClock.nowNanoseconds - start) / HTTPLimits.statusNanoseconds)
        #expect(node.statusCount.withLock { $0 } <= quarters + 2)
    }
}

final class TestClientBox {
    private var client: TestClient

    init(port: UInt16) throws { client = try TestClient(port: port) }

    func send(_ path: String) throws { try client.send(TestClient.request(path)) }

    func answer() throws -> TestAnswer { try client.answer() }

    func ask(_ path: String) throws -> TestAnswer {
        try client.send(TestClient.request(path))
        return try client.answer()
    }
}
