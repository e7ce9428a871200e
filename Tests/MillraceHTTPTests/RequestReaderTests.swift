import Testing

@testable import MillraceHTTP

struct RequestReaderTests {
    /// Everything that comes out of these bytes, given in pieces of a size.
    static func read(_ text: String, piece: Int = .max) throws -> [HTTPRequest] {
        var reader = RequestReader()
        var requests: [HTTPRequest] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let part = rest.prefix(piece)
            part.withUnsafeBytes { reader.append($0) }
            rest = rest.dropFirst(part.count)
            while let request = try reader.next() { requests.append(request) }
        }
        return requests
    }

    static func status(_ text: String) -> HTTPStatus? {
        do {
            _ = try read(text)
            return nil
        } catch {
            return (error as? HTTPFault)?.status
        }
    }

    @Test(arguments: [1, 3, 1000]) func requestsComeInAnyPieces(piece: Int) throws {
        let text =
            "GET /a%20b?c=d HTTP/1.1\r\nHost: Node:8080\r\nRange:  bytes=0-1 \r\nx: 1\r\nX: 2\r\n\r\n"
            + "\r\nHEAD / HTTP/1.0\r\n\r\n"
        let requests = try Self.read(text, piece: piece)
        try #require(requests.count == 2)
        #expect(requests[0].method == "GET")
        #expect(requests[0].path == Array("/a b".utf8))
        #expect(requests[0].query == "c=d")
        #expect(requests[0].host == "node")
        #expect(requests[0].header("range") == "bytes=0-1")
        #expect(requests[0].header("x") == "1, 2")
        #expect(requests[0].keepsConnection)
        #expect(requests[1].host == nil)
        #expect(!requests[1].keepsConnection)
    }

    @Test(arguments: 0...36) func lookingAgainBeforeMoreHasComeChangesNothing(length: Int) throws {
        let text = "GET / HTTP/1.1\r\nHost: a\r\nX: 12345\r\n\r\n"
        var reader = RequestReader()
        Array(text.utf8.prefix(length)).withUnsafeBytes { reader.append($0) }
        for _ in 0..<3 { #expect(try reader.next() == nil) }
        Array(text.utf8.dropFirst(length)).withUnsafeBytes { reader.append($0) }
        #expect(try reader.next()?.path == [UInt8(ascii: "/")])
        #expect(try reader.next() == nil)
    }

    @Test func anAbsoluteTargetNamesTheHost() throws {
        let requests = try Self.read("GET http://Other:1/x HTTP/1.1\r\nHost: node\r\n\r\n")
        #expect(requests.first?.host == "other")
        #expect(requests.first?.path == Array("/x".utf8))
        #expect(try Self.read("GET http://other HTTP/1.1\r\nHost: n\r\n\r\n").first?.path == [UInt8(ascii: "/")])
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / x HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\r\nHost: a\r\n\r\n",
        "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "GET x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /% HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "GET / HTTP/1.1\r\n: a\r\n\r\n",
    ])
    func aMalformedRequestIsRefused(text: String) { #expect(Self.status(text) == .badRequest) }

    @Test func otherVersionsAreRefused() {
        #expect(Self.status("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == .versionNotSupported)
        #expect(Self.status("GET / HTTQ/1.1\r\nHost: a\r\n\r\n") == .badRequest)
    }

    @Test func sizesHaveBounds() {
        let long = String(repeating: "a", count: HTTPLimits.headByteCount)
        #expect(Self.status("GET / HTTP/1.1\r\nHost: a\r\nx: \(long)\r\n\r\n") == .headersTooLarge)
        #expect(Self.status("GET / HTTP/1.1\r\nHost: a\r\nx: \(long)") == .headersTooLarge)
        #expect(Self.status("GET /\(long.prefix(3000)) HTTP/1.1\r\nHost: a\r\n\r\n") == .targetTooLong)
        let many = String(repeating: "x: y\r\n", count: HTTPLimits.headerCount + 1)
        #expect(Self.status("GET / HTTP/1.1\r\nHost: a\r\n\(many)\r\n") == .headersTooLarge)
    }

    @Test(arguments: ["Content-Length: 5", "Transfer-Encoding: chunked", "Connection: close"])
    func aBodyOrItsWishEndsTheConnection(header: String) throws {
        let request = try #require(try Self.read("GET / HTTP/1.1\r\nHost: a\r\n\(header)\r\n\r\n").first)
        #expect(!request.keepsConnection)
    }

    /// Bytes at random never trap, whatever they are.
    @Test func noiseIsRefusedOrWaitedFor() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("GET / HTTP/1.1\r\n\r\nHost: a:%[]?=-,\0\u{7F}é".utf8)
        for _ in 0..<2000 {
            var reader = RequestReader()
            let bytes = (0..<Int.random(in: 0...60)).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            bytes.withUnsafeBytes { reader.append($0) }
            for _ in 0..<3 { _ = try? reader.next() }
        }
    }
}
