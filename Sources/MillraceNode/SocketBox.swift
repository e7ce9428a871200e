import MillraceIO
import MillraceWire

/// Holds a socket, which can't be copied, until the thread that serves it takes it.
package final class SocketBox: Sendable {
    private let socket: Lock<Socket?>

    package init(_ socket: consuming Socket) {
        self.socket = Lock(consume socket)
    }

    package func take() -> Socket {
        let socket = socket.withLock { $0.take() }
        guard let socket else { preconditionFailure("a socket is taken once") }
        return socket
    }

    /// Who is at the other end.
    var remoteAddress: SocketAddress { use { $0.remoteAddress } ?? SocketAddress(host: .anyIPv4, port: 0) }

    /// What the first bytes say; they stay where they are.
    func look() -> WaitingRoom.Verdict {
        use { (socket: borrowing Socket) -> WaitingRoom.Verdict in
            let capacity = WireLimits.frameHeaderByteCount + WireLimits.largestHelloByteCount
            return withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 8) { buffer in
                guard case .bytes(let count)? = try? socket.peek(into: buffer) else { return .gone }
                return SocketBox.verdict(on: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        } ?? .gone
    }

    /// Judges the first bytes of a connection: H-1 and the rules of the hello itself.
    static func verdict(on bytes: UnsafeRawBufferPointer) -> WaitingRoom.Verdict {
        var reader = FrameReader()
        var consumed = 0
        do throws(WireError) {
            switch try reader.next(bytes.bytes, consumed: &consumed) {
            case .needMore: return .wait(seenByteCount: bytes.count)
            case .message(.hello): return .hello
            case .message(.goodbye): return .gone
            case .message(let message): return .refused(.unexpectedMessage, "\(message.type) message first")
            case .chunkFollows(let header): return .refused(.unexpectedMessage, "\(header.type) message first")
            }
        } catch {
            return .refused(error.goodbyeCode, error.description)
        }
    }

    /// The next wait ends only when there is more than what has been seen.
    func wait(forMoreThan byteCount: Int) {
        _ = use { $0.setReceiveMinimum(byteCount: byteCount + 1) }
    }

    /// Sends a frame and ends the stream. False when the socket does not take it.
    func say(_ message: Message) -> Bool {
        use { (socket: borrowing Socket) -> Bool in
            let frame = message.frame
            let sent = frame.withUnsafeBytes { try? socket.send($0) }
            socket.setReceiveMinimum(byteCount: 1)
            socket.finishSending(untilNanoseconds: 0)
            return sent == .bytes(frame.count)
        } ?? false
    }

    /// Reads and drops what has come. False once the other side has closed.
    func drain() -> Bool {
        use { (socket: borrowing Socket) -> Bool in
            withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 8) { buffer in
                switch try? socket.receive(into: buffer) {
                case .bytes, .wouldBlock: true
                case .closed, nil: false
                }
            }
        } ?? false
    }

    private func use<Result>(_ body: (borrowing Socket) -> Result) -> Result? {
        socket.withLock { socket in
            switch socket {
            case .some(let socket): body(socket)
            case .none: nil
            }
        }
    }
}
