/// A request's head, taken apart (RFC 9112). Values are as they came, without the blanks around them.
struct HTTPRequest: Sendable, Equatable {
    var method: String
    /// Decoded; begins with a slash.
    var path: [UInt8]
    var query: String?
    /// The host that the request is for, without its port; nil when it names none (HTTP/1.0).
    var host: String?
    var isVersion11: Bool
    /// Names in lower case, in the order they came.
    var headers: [(name: String, value: String)]

    static func == (left: HTTPRequest, right: HTTPRequest) -> Bool {
        left.method == right.method && left.path == right.path && left.query == right.query
            && left.host == right.host && left.isVersion11 == right.isVersion11
            && left.headers.elementsEqual(right.headers) { $0 == $1 }
    }

    /// The value of a header that may come once; values of one that came more often are joined (RFC 9110, 5.3).
    func header(_ name: String) -> String? {
        let values = headers.filter { $0.name == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// Whether a header's list has this word.
    func header(_ name: String, has word: String) -> Bool {
        header(name)?.split(separator: ",").contains { $0.trimmed.lowercased() == word } ?? false
    }

    /// The connection may be used again after the answer.
    var keepsConnection: Bool {
        if hasBody || header("connection", has: "close") { return false }
        return isVersion11 || header("connection", has: "keep-alive")
    }

    /// Nothing here takes a body: one that comes is not read, and ends the connection.
    var hasBody: Bool {
        header("transfer-encoding") != nil || (header("content-length").map { $0 != "0" } ?? false)
    }
}

/// What is wrong with a request, as the status that answers it.
struct HTTPFault: Error, Equatable {
    let status: HTTPStatus
    let text: String

    init(_ status: HTTPStatus, _ text: String) {
        self.status = status
        self.text = text
    }
}

enum HTTPStatus: Int, Sendable, CaseIterable {
    case ok = 200
    case partialContent = 206
    case notModified = 304
    case badRequest = 400
    case notFound = 404
    case methodNotAllowed = 405
    case requestTimeout = 408
    case preconditionFailed = 412
    case targetTooLong = 414
    case rangeNotSatisfiable = 416
    case misdirected = 421
    case headersTooLarge = 431
    case internalError = 500
    case unavailable = 503
    case versionNotSupported = 505

    /// RFC 9110, section 15, and RFC 6585.
    var reason: String {
        switch self {
        case .ok: "OK"
        case .partialContent: "Partial Content"
        case .notModified: "Not Modified"
        case .badRequest: "Bad Request"
        case .notFound: "Not Found"
        case .methodNotAllowed: "Method Not Allowed"
        case .requestTimeout: "Request Timeout"
        case .preconditionFailed: "Precondition Failed"
        case .targetTooLong: "URI Too Long"
        case .rangeNotSatisfiable: "Range Not Satisfiable"
        case .misdirected: "Misdirected Request"
        case .headersTooLarge: "Request Header Fields Too Large"
        case .internalError: "Internal Server Error"
        case .unavailable: "Service Unavailable"
        case .versionNotSupported: "HTTP Version Not Supported"
        }
    }
}

extension StringProtocol {
    /// Without blanks and tabs at either end.
    var trimmed: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let start = firstIndex(where: { !isBlank($0) }), let end = lastIndex(where: { !isBlank($0) }) else {
            return ""
        }
        return String(self[start...end])
    }
}
