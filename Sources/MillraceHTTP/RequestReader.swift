/// Takes requests out of the bytes of a connection. Pure: bytes in, requests or a fault out. Strict where leniency has
/// let requests be smuggled: lines end in CR LF, names have no blanks, nothing is folded (RFC 9112, sections 2 and 5).
struct RequestReader {
    private var bytes: [UInt8] = []
    /// The head does not end before this byte.
    private var searched = 0

    /// A part of a request has come.
    var hasBegun: Bool { !bytes.isEmpty }

    mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

    /// The next request; nil until it is whole.
    mutating func next() throws(HTTPFault) -> HTTPRequest? {
        // Empty lines in front of a request are passed over (RFC 9112, section 2.2).
        while bytes.count >= 2, bytes[0] == 13, bytes[1] == 10 { bytes.removeFirst(2) }
        guard let end = headEnd() else {
            if bytes.count > HTTPLimits.headByteCount { throw tooLarge }
            return nil
        }
        guard end <= HTTPLimits.headByteCount else { throw tooLarge }
        defer {
            bytes.removeFirst(end + 4)
            searched = 0
        }
        return try RequestReader.parse(bytes[..<end])
    }

    private var tooLarge: HTTPFault {
        HTTPFault(.headersTooLarge, "a request's head has at most \(HTTPLimits.headByteCount) bytes here")
    }

    /// Where the empty line begins that ends the head.
    private mutating func headEnd() -> Int? {
        // It is asked again also where nothing has come since.
        while searched + 4 <= bytes.count {
            let index = searched
            if bytes[index] == 13, bytes[index + 1] == 10, bytes[index + 2] == 13, bytes[index + 3] == 10 {
                return index
            }
            searched += 1
        }
        return nil
    }

    private static func parse(_ head: ArraySlice<UInt8>) throws(HTTPFault) -> HTTPRequest {
        var lines = try lines(head)
        let (method, target, isVersion11) = try requestLine(lines.removeFirst())
        guard lines.count <= HTTPLimits.headerCount else { throw HTTPFault(.headersTooLarge, "too many headers") }
        var headers: [(name: String, value: String)] = []
        for line in lines { headers.append(try header(line)) }
        let named = headers.filter { $0.name == "host" }
        guard named.count <= 1, named.count == 1 || !isVersion11 else {
            throw HTTPFault(.badRequest, "a request names one host")
        }
        let (authority, rest) = try split(target)
        let (path, query) = try path(rest)
        let host = try (authority ?? named.first?.value).map { (text) throws(HTTPFault) in try hostName(text) }
        return HTTPRequest(
            method: method, path: path, query: query, host: host, isVersion11: isVersion11, headers: headers)
    }

    /// Lines without their ends; no control characters but tabs.
    private static func lines(_ head: ArraySlice<UInt8>) throws(HTTPFault) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var rest = head
        while let end = rest.firstIndex(of: 13) {
            guard end + 1 < rest.endIndex, rest[end + 1] == 10 else { throw HTTPFault(.badRequest, "a stray CR") }
            lines.append(rest[..<end])
            rest = rest[(end + 2)...]
        }
        lines.append(rest)
        let isClean = lines.allSatisfy { line in line.allSatisfy { ($0 >= 32 && $0 != 127) || $0 == 9 } }
        guard isClean else { throw HTTPFault(.badRequest, "control characters in a request") }
        return lines
    }

    private static func requestLine(
        _ line: ArraySlice<UInt8>
    ) throws(HTTPFault) -> (method: String, target: ArraySlice<UInt8>, isVersion11: Bool) {
        let parts = line.split(separator: 32, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy(isTokenByte), parts[0].count <= 32 else {
            throw HTTPFault(.badRequest, "not a request line")
        }
        let version = text(parts[2])
        guard version.utf8.count == 8, version.hasPrefix("HTTP/") else { throw HTTPFault(.badRequest, "not HTTP") }
        guard version == "HTTP/1.1" || version == "HTTP/1.0" else {
            throw HTTPFault(.versionNotSupported, "HTTP/1.1 is spoken here")
        }
        guard parts[1].count <= HTTPLimits.targetByteCount else { throw HTTPFault(.targetTooLong, "too long a path") }
        return (text(parts[0]), parts[1], version == "HTTP/1.1")
    }

    private static func header(_ line: ArraySlice<UInt8>) throws(HTTPFault) -> (name: String, value: String) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].allSatisfy(isTokenByte)
        else { throw HTTPFault(.badRequest, "not a header") }
        return (text(line[..<colon]).lowercased(), text(line[(colon + 1)...]).trimmed)
    }

    /// The host of a target in absolute form, and the rest, which begins with a slash (RFC 9112, section 3.2).
    private static func split(
        _ target: ArraySlice<UInt8>
    ) throws(HTTPFault) -> (authority: String?, rest: ArraySlice<UInt8>) {
        if target.first == UInt8(ascii: "/") { return (nil, target) }
        let prefix = "http://"
        guard text(target.prefix(prefix.utf8.count)).lowercased() == prefix else {
            throw HTTPFault(.badRequest, "a path begins with /")
        }
        let rest = target.dropFirst(prefix.utf8.count)
        let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        return (text(rest[..<end]), end == rest.endIndex ? [UInt8(ascii: "/")][...] : rest[end...])
    }

    private static func path(_ target: ArraySlice<UInt8>) throws(HTTPFault) -> (path: [UInt8], query: String?) {
        let parts = target.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = PercentCoding.decode(parts[0]) else { throw HTTPFault(.badRequest, "a broken path") }
        return (path, parts.count == 2 ? text(parts[1]) : nil)
    }

    /// A host as it stands in a Host header, without its port: `name`, `1.2.3.4`, `[::1]`.
    static func hostName(_ text: String) throws(HTTPFault) -> String {
        let fault = HTTPFault(.badRequest, "not a host")
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw fault }
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || isPort(rest) else { throw fault }
            return String(text[...end])
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard !parts[0].isEmpty, parts.count == 1 || isPort(":" + parts[1]) else { throw fault }
        return parts[0].lowercased()
    }

    private static func isPort(_ text: some StringProtocol) -> Bool {
        text.first == ":" && text.utf8.count <= 6 && text.utf8.dropFirst().allSatisfy { (48...57).contains($0) }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    /// RFC 9110, section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
