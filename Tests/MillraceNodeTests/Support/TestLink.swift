import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// One connection of a node made for the test: it says what it is told to, right or wrong.
final class TestLink {
    enum Received: Equatable {
        case message(Message)
        case chunk(FrameHeader, [UInt8])
        case closed
    }

    private let socket: Socket
    private var reader = FrameReader()
    private var buffer: [UInt8] = []
    private var consumed = 0

    init(_ socket: consuming Socket) {
        self.socket = socket
    }

    convenience init(port: UInt16) throws {
        let address = SocketAddress(host: .v4(0x7F00_0001), port: port)
        self.init(try Socket.connect(to: address, timeoutNanoseconds: 10_000_000_000, wake: nil))
    }

    /// Both ends of a connection whose sockets keep little.
    static func pair() throws -> (near: SocketBox, far: TestLink) {
        let listener = try Listener(host: "127.0.0.1", port: 0)
        let address = SocketAddress(host: .v4(0x7F00_0001), port: listener.port)
        let far = try Socket.connect(to: address, timeoutNanoseconds: 10_000_000_000, wake: nil)
        far.setQueueLimit(byteCount: 16_384)
        _ = try WaitPoint.wait(
            socket: listener.descriptor, forReading: true, forWriting: false, wake: nil,
            untilNanoseconds: MonotonicClock.nowNanoseconds + 10_000_000_000)
        guard let near = try listener.accept() else { throw TookTooLong() }
        near.setQueueLimit(byteCount: 16_384)
        return (SocketBox(near), TestLink(far))
    }

    func send(_ messages: Message...) throws {
        for message in messages { try send(bytes: message.frame) }
    }

    func send(_ type: MessageType, _ chunk: ChunkID, _ payload: [UInt8]) throws {
        var frame: [UInt8] = []
        FrameHeader(type: type, chunk: chunk, payloadByteCount: payload.count).append(to: &frame)
        try send(bytes: frame + payload)
    }

    func send(bytes: [UInt8], withinSeconds seconds: UInt64 = 20) throws {
        var sent = 0
        while sent < bytes.count {
            let transfer = try bytes.withUnsafeBytes { try socket.send(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
            if case .bytes(let count) = transfer { sent += count } else { try wait(forReading: false, seconds) }
        }
    }

    /// Sends until the socket takes nothing for so long. Returns how many bytes it took.
    func offer(bytes: [UInt8], patienceMilliseconds: UInt64) throws -> Int {
        var sent = 0
        while sent < bytes.count {
            let transfer = try bytes.withUnsafeBytes { try socket.send(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
            if case .bytes(let count) = transfer {
                sent += count
                continue
            }
            let ready = try WaitPoint.wait(
                socket: socket.descriptor, forReading: false, forWriting: true, wake: nil,
                untilNanoseconds: MonotonicClock.nowNanoseconds + patienceMilliseconds * 1_000_000)
            if ready.isEmpty { break }
        }
        return sent
    }

    /// The next frame; waits for it, but not for ever.
    func receive(withinSeconds seconds: UInt64 = 20) throws -> Received {
        while true {
            let bytes = buffer
            switch try reader.next(bytes.span.bytes, consumed: &consumed) {
            case .message(let message): return .message(message)
            case .chunkFollows(let header):
                while buffer.count - consumed < header.payloadByteCount {
                    guard try fill(seconds) else { return .closed }
                }
                let bytes = Array(buffer[consumed..<(consumed + header.payloadByteCount)])
                consumed += header.payloadByteCount
                return .chunk(header, bytes)
            case .needMore: guard try fill(seconds) else { return .closed }
            }
        }
    }

    /// Reads until a message of this kind comes; nil when the connection ends before.
    func next(_ type: MessageType, withinSeconds seconds: UInt64 = 20) throws -> Message? {
        while true {
            switch try receive(withinSeconds: seconds) {
            case .message(let message) where message.type == type: return message
            case .message, .chunk: continue
            case .closed: return nil
            }
        }
    }

    /// The code of the goodbye that ends the connection; nil when it ends without one.
    func goodbye(withinSeconds seconds: UInt64 = 20) throws -> GoodbyeCode? {
        guard case .goodbye(let code, _) = try next(.goodbye, withinSeconds: seconds) else { return nil }
        return code
    }

    func close() { socket.shutdown() }

    /// So many bytes as they come, whatever they mean; fewer at the end of the stream.
    func take(_ count: Int) throws -> [UInt8] {
        while buffer.count - consumed < count {
            guard try fill(20) else { break }
        }
        let bytes = Array(buffer[consumed...].prefix(count))
        consumed += bytes.count
        return bytes
    }

    /// False at the end of the stream.
    private func fill(_ seconds: UInt64) throws -> Bool {
        buffer.removeFirst(consumed)
        consumed = 0
        var piece = [UInt8](repeating: 0, count: 65536)
        while true {
            let transfer: Transfer
            do {
                transfer = try piece.withUnsafeMutableBytes { try socket.receive(into: $0) }
            } catch {
                return false
            }
            switch transfer {
            case .bytes(let count):
                buffer.append(contentsOf: piece.prefix(count))
                return true
            case .closed: return false
            case .wouldBlock: try wait(forReading: true, seconds)
            }
        }
    }

    private func wait(forReading: Bool, _ seconds: UInt64) throws {
        let ready = try WaitPoint.wait(
            socket: socket.descriptor, forReading: forReading, forWriting: !forReading, wake: nil,
            untilNanoseconds: MonotonicClock.nowNanoseconds + seconds * 1_000_000_000)
        if ready.isEmpty { throw TookTooLong() }
    }
}

/// A listener of the test's own.
final class TestListener: Sendable {
    private let listener: Listener
    var port: UInt16 { listener.port }

    init() throws { listener = try Listener(host: nil, port: 0) }

    /// The next connection; nil when none comes in time.
    func accept(withinSeconds seconds: Double = 20) throws -> TestLink? {
        let deadline = MonotonicClock.nowNanoseconds + UInt64(seconds * 1e9)
        while MonotonicClock.nowNanoseconds < deadline {
            _ = try WaitPoint.wait(
                socket: listener.descriptor, forReading: true, forWriting: false, wake: nil, untilNanoseconds: deadline)
            if let socket = try listener.accept() { return TestLink(socket) }
        }
        return nil
    }
}
