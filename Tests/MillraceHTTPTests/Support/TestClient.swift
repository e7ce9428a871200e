import MillraceIO
import MillraceNode

@testable import MillraceHTTP

struct TookTooLong: Error {}

/// An answer, read to its end.
struct TestAnswer {
    var status = 0
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []

    var text: String { String(decoding: body, as: UTF8.self) }
    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// One connection, spoken to in bytes, so that wrong requests can be made too. Every wait has a bound.
struct TestClient: ~Copyable {
    private let socket: Socket
    private var bytes: [UInt8] = []

    init(port: UInt16) throws {
        let address = SocketAddress(host: .v4(0x7F00_0001), port: port)
        socket = try Socket.connect(to: address, timeoutNanoseconds: 5_000_000_000, wake: nil)
    }

    /// One request on a connection of its own.
    static func ask(
        _ port: UInt16, _ path: String, method: String = "GET", host: String = "localhost", _ headers: [String] = []
    ) throws -> TestAnswer {
        var client = try TestClient(port: port)
        try client.send(request(path, method: method, host: host, headers))
        return try client.answer(isHead: method == "HEAD")
    }

    static func request(
        _ path: String, method: String = "GET", host: String = "localhost", _ headers: [String] = []
    ) -> String {
        (["\(method) \(path) HTTP/1.1", "Host: \(host)"] + headers).joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// Takes no more than so much unread.
    func setWindowLimit(byteCount: Int) { socket.setWindowLimit(byteCount: byteCount) }

    /// Reads at least so many bytes more, or to the end of the stream.
    mutating func read(byteCount: Int, until deadline: UInt64) throws {
        let wanted = bytes.count + byteCount
        while bytes.count < wanted, try receive(until: deadline) {}
    }

    func send(_ text: String) throws {
        let sent = try Array(text.utf8).withUnsafeBytes { try socket.send($0) }
        guard sent == .bytes(text.utf8.count) else { throw TookTooLong() }
    }

    mutating func answer(isHead: Bool = false, withinSeconds seconds: UInt64 = 20) throws -> TestAnswer {
        let deadline = MonotonicClock.nowNanoseconds + seconds * 1_000_000_000
        var end: Int?
        while end == nil {
            end = bytes.indices.dropLast(3).first { bytes[$0...].starts(with: [13, 10, 13, 10]) }
            if end == nil, try !receive(until: deadline) { throw TookTooLong() }
        }
        let lines = String(decoding: bytes[..<end!], as: UTF8.self).split(separator: "\r\n")
        bytes.removeFirst(end! + 4)
        var answer = TestAnswer()
        answer.status = Int(lines[0].split(separator: " ")[1]) ?? 0
        answer.headers = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (parts[0].lowercased(), parts[1].trimmed)
        }
        let count = isHead ? 0 : Int(answer.header("content-length") ?? "0") ?? 0
        while bytes.count < count { if try !receive(until: deadline) { break } }
        answer.body = Array(bytes.prefix(count))
        bytes.removeFirst(min(count, bytes.count))
        return answer
    }

    /// Whether the other side closes within the time; what it says before is dropped.
    mutating func closes(withinSeconds seconds: UInt64 = 20) throws -> Bool {
        let deadline = MonotonicClock.nowNanoseconds + seconds * 1_000_000_000
        do {
            while try receive(until: deadline) {}
            return true
        } catch is TookTooLong {
            return false
        }
    }

    /// False at the end of the stream.
    private mutating func receive(until deadline: UInt64) throws -> Bool {
        let buffer = PooledBuffer(byteCount: 64 * 1024)
        while true {
            switch try? socket.receive(into: buffer.bytes) {
            case .bytes(let count):
                bytes.append(contentsOf: buffer.bytes[..<count])
                return true
            case .closed, nil: return false
            case .wouldBlock:
                guard MonotonicClock.nowNanoseconds < deadline else { throw TookTooLong() }
                _ = try WaitPoint.wait(
                    socket: socket.descriptor, forReading: true, forWriting: false, wake: nil,
                    untilNanoseconds: deadline)
            }
        }
    }
}

/// A server for one test; ends with it.
final class TestServer {
    let server: HTTPServer
    var port: UInt16 { server.port }

    init(_ node: StubNode, patience: HTTPPatience = HTTPPatience()) throws {
        server = try HTTPServer(Endpoint(host: nil, port: 0), node: node, patience: patience)
        try server.start()
    }

    deinit { server.stop() }
}
