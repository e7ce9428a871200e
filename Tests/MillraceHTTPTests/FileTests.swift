import Foundation
import MillraceNode
import Testing

@testable import MillraceHTTP

@Suite(.timeLimit(.minutes(5))) struct FileTests {
    @Test(arguments: StoreKind.allCases, [TransportKind.sendfile, .copy])
    func theWholeFileAndAnyRangeOfIt(kind: StoreKind, transport: TransportKind) throws {
        let node = try StubNode(byteCount: 100_000, kind: kind, sendsBy: transport)
        let server = try TestServer(node)
        let whole = try TestClient.ask(server.port, "/file")
        #expect(whole.status == 200)
        #expect(whole.body == node.bytes)
        #expect(whole.header("accept-ranges") == "bytes")
        #expect(whole.header("etag") == "\"\(String(repeating: "ab", count: 32))\"")
        #expect(whole.header("content-disposition")?.contains("filename=\"some file.bin\"") == true)
        for range in [0..<1, 0..<100_000, 1000..<1100, 1023..<1025, 99_999..<100_000, 5000..<90_001] {
            let header = "Range: bytes=\(range.lowerBound)-\(range.upperBound - 1)"
            let part = try TestClient.ask(server.port, "/some%20file.bin", [header])
            #expect(part.status == 206)
            #expect(part.header("content-range") == "bytes \(range.lowerBound)-\(range.upperBound - 1)/100000")
            #expect(part.body == Array(node.bytes[range]))
        }
        #expect(node.served.withLock { $0 } > 0)
    }

    /// The limit is of all that a node sends together.
    @Test(arguments: [TransportKind.sendfile, .copy]) func theRateLimitOfTheNodeHoldsForDownloads(
        transport: TransportKind
    ) throws {
        let rate = 4_000_000
        let node = try StubNode(
            byteCount: 1_000_000, chunkByteCount: 102_400, sendsBy: transport, sendBytesPerSecond: UInt64(rate))
        let server = try TestServer(node)
        var clients = [try TestClientBox(port: server.port), try TestClientBox(port: server.port)]
        let start = MonotonicClock.nowNanoseconds
        for client in clients { try client.send("/file") }
        while let client = clients.popLast() { #expect(try client.answer().body == node.bytes) }
        let seconds = Double(MonotonicClock.nowNanoseconds - start) / 1e9
        // Less what may leave at once: the first, and what the limit lets pass after a pause.
        #expect(seconds > Double(2 * 1_000_000 - 2 * 102_400) / Double(rate), "\(seconds)")
    }

    @Test func headSaysTheSameWithoutBody() throws {
        let node = try StubNode(byteCount: 5000)
        let server = try TestServer(node)
        let answer = try TestClient.ask(server.port, "/file", method: "HEAD", ["Range: bytes=0-1"])
        #expect(answer.status == 200)
        #expect(answer.header("content-length") == "5000")
        #expect(answer.body.isEmpty)
    }

    /// RFC 9110, section 14.6.
    @Test func severalRangesComeInParts() throws {
        let node = try StubNode(byteCount: 5000)
        let server = try TestServer(node)
        let answer = try TestClient.ask(server.port, "/file", ["Range: bytes=0-9,4990-"])
        #expect(answer.status == 206)
        let type = try #require(answer.header("content-type"))
        #expect(type.hasPrefix("multipart/byteranges; boundary="))
        let boundary = type.dropFirst("multipart/byteranges; boundary=".count)
        func part(_ range: Range<Int>) -> [UInt8] {
            Array(
                ("--\(boundary)\r\nContent-Type: application/octet-stream\r\n"
                    + "Content-Range: bytes \(range.lowerBound)-\(range.upperBound - 1)/5000\r\n\r\n").utf8)
                + node.bytes[range]
        }
        let end = Array("\r\n--\(boundary)--\r\n".utf8)
        #expect(answer.body == part(0..<10) + Array("\r\n".utf8) + part(4990..<5000) + end)
    }

    @Test func aRangeBeyondTheEndIsNotSatisfiable() throws {
        let server = try TestServer(try StubNode(byteCount: 5000))
        let answer = try TestClient.ask(server.port, "/file", ["Range: bytes=5000-"])
        #expect(answer.status == 416)
        #expect(answer.header("content-range") == "bytes */5000")
    }

    @Test func conditionsAreKept() throws {
        let node = try StubNode(byteCount: 5000)
        let server = try TestServer(node)
        let tag = "\"\(String(repeating: "ab", count: 32))\""
        let same = try TestClient.ask(server.port, "/file", ["If-None-Match: \(tag)"])
        #expect(same.status == 304 && same.body.isEmpty && same.header("etag") == tag)
        #expect(try TestClient.ask(server.port, "/file", ["If-Match: \"other\""]).status == 412)
        let going = try TestClient.ask(server.port, "/file", ["Range: bytes=10-", "If-Range: \(tag)"])
        #expect(going.status == 206 && going.body == Array(node.bytes[10...]))
        let changed = try TestClient.ask(server.port, "/file", ["Range: bytes=10-", "If-Range: \"other\""])
        #expect(changed.status == 200 && changed.body == node.bytes)
    }

    @Test func anEmptyFileIsServed() throws {
        let server = try TestServer(try StubNode(byteCount: 0))
        let answer = try TestClient.ask(server.port, "/file")
        #expect(answer.status == 200 && answer.header("content-length") == "0")
    }

    /// A peer on its way serves what it has verified, and nothing else.
    @Test(arguments: StoreKind.allCases) func onlyWhatIsVerifiedIsServed(kind: StoreKind) throws {
        let node = try StubNode(byteCount: 10_000, held: 2..<5, kind: kind)
        let server = try TestServer(node)
        for range in [2048..<5120, 2048..<2049, 5119..<5120, 3000..<4000] {
            let header = "Range: bytes=\(range.lowerBound)-\(range.upperBound - 1)"
            let part = try TestClient.ask(server.port, "/file", [header])
            #expect(part.status == 206 && part.body == Array(node.bytes[range]), "\(range)")
        }
        for header in ["bytes=0-0", "bytes=2047-3000", "bytes=2048-5120", "bytes=2048-", "bytes=2048-2050,6000-6001"] {
            let part = try TestClient.ask(server.port, "/file", ["Range: \(header)"])
            #expect(part.status == 503, "\(header)")
            #expect(try #require(Int(part.header("retry-after") ?? "")) >= 1)
        }
        #expect(try TestClient.ask(server.port, "/file").status == 503)
        #expect(try TestClient.ask(server.port, "/file", ["Range: bytes=20000-"]).status == 416)
    }

    @Test func withoutAFileThereIsNone() throws {
        let node = try StubNode(byteCount: 10)
        let server = try TestServer(node)
        node.set(FileAccess.unknown)
        let unknown = try TestClient.ask(server.port, "/file")
        #expect(unknown.status == 503 && unknown.header("retry-after") != nil)
        #expect(try TestClient.ask(server.port, "/some%20file.bin").status == 404)
        node.set(FileAccess.changed)
        #expect(try TestClient.ask(server.port, "/file").status == 500)
    }

    /// A file that lost its end can't be sent as promised: the connection ends, so that nobody takes it for whole.
    @Test func aFileThatShrankEndsTheConnection() throws {
        let node = try StubNode(byteCount: 50_000)
        let server = try TestServer(node)
        try node.truncate(to: 1000)
        var client = try TestClient(port: server.port)
        try client.send(TestClient.request("/file"))
        let answer = try? client.answer()
        #expect(answer?.body.count ?? 0 < 50_000)
        #expect(try client.closes())
    }
}

extension StubNode {
    func truncate(to byteCount: UInt64) throws {
        let handle = try #require(FileHandle(forWritingAtPath: folder.path + "/flat"))
        try handle.truncate(atOffset: byteCount)
        try handle.close()
    }
}
