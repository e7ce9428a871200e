import MillraceNode

/// An answer: a status, headers, and a body in parts of which some lie in the node's file.
struct HTTPResponse: Sendable {
    enum Part: Sendable, Equatable {
        case bytes([UInt8])
        case file(Range<UInt64>)

        var byteCount: UInt64 {
            switch self {
            case .bytes(let bytes): UInt64(bytes.count)
            case .file(let range): UInt64(range.count)
            }
        }
    }

    var status: HTTPStatus
    var headers: [(name: String, value: String)]
    var body: [Part] = []
    /// Where file parts come from.
    var file: ServedFile?

    init(_ status: HTTPStatus, type: String, _ text: String, headers: [(name: String, value: String)] = []) {
        self.init(status, headers: [("Content-Type", type)] + headers, body: [.bytes(Array(text.utf8))])
    }

    init(_ status: HTTPStatus, headers: [(name: String, value: String)], body: [Part] = [], file: ServedFile? = nil) {
        self.status = status
        self.headers = headers
        self.body = body
        self.file = file
    }

    /// One line of plain text that says what is wrong.
    init(_ fault: HTTPFault, headers: [(name: String, value: String)] = []) {
        self.init(
            fault.status, type: "text/plain; charset=utf-8", fault.text + "\n",
            headers: headers + [("Cache-Control", "no-store")])
    }

    var bodyByteCount: UInt64 { body.reduce(0) { $0 + $1.byteCount } }

    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// What every answer says: nothing here may be framed, sniffed, embedded elsewhere or told of to others.
    private static let commonHeaders = [
        ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ]
    private static let strictPolicy = "default-src 'none'; frame-ancestors 'none'"

    /// The bytes in front of the body (RFC 9112). An answer without a body has no length where the status forbids one.
    func head(date: Int64, keepsConnection: Bool) -> [UInt8] {
        var lines = ["HTTP/1.1 \(status.rawValue) \(status.reason)", "Date: \(HTTPDate.text(date))", "Server: millrace"]
        if status != .notModified { lines.append("Content-Length: \(bodyByteCount)") }
        lines += headers.map { "\($0.name): \($0.value)" } + Self.commonHeaders.map { "\($0.0): \($0.1)" }
        if header("Content-Security-Policy") == nil { lines.append("Content-Security-Policy: \(Self.strictPolicy)") }
        lines.append("Connection: \(keepsConnection ? "keep-alive" : "close")")
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }
}
