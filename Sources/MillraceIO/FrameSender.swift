import Glibc

/// What all transports share: the loop over the queue, in which each sends payloads in its own way.
protocol FrameSender: Transport {
    var queue: SendQueue { get set }

    /// Sends more of the first frame, whose source is open. Returns false when the socket would block.
    func sendSome(on socket: borrowing Socket) throws(SendFault) -> Bool

    /// Opens the first frame's payload, and others where that is cheaper together.
    func prepare() throws(SendFault)
}

extension FrameSender {
    public var queuedCount: Int { queue.count }
    public var isBroken: Bool { queue.isBroken }

    public func enqueue(header: [UInt8], payload: FilePayload, tag: UInt32) {
        precondition(payload.byteCount >= 0, "payload of \(payload.byteCount) bytes")
        queue.append(header, payload, tag: tag)
    }

    public func enqueue(bytes: [UInt8]) { queue.append(bytes, nil, tag: 0) }

    public func drop(tag: UInt32) -> Bool { queue.drop(tag: tag) }

    public func send(on socket: borrowing Socket, completed: (UInt32) -> Void) throws(SendFault) -> Bool {
        while !queue.isEmpty {
            do throws(SendFault) {
                try prepare()
                guard try sendSome(on: socket) else { return false }
            } catch {
                queue.removeFirst()
                throw error
            }
            guard queue[0].isDone else { continue }
            let (tag, hadPayload) = (queue[0].tag, queue[0].payload != nil)
            queue.removeFirst()
            if hadPayload { completed(tag) }
        }
        return true
    }

    func prepare() throws(SendFault) { try queue.openSource(at: 0) }

    /// Sends the rest of the first frame's header. Returns false when the socket would block.
    func sendHeader(on socket: borrowing Socket) throws(SendFault) -> Bool {
        let frame = queue[0]
        let hasMore = frame.unsentPayloadCount > 0 || queue.count > 1
        let transfer: Result<Transfer, SystemError> = frame.header.withUnsafeBytes { bytes in
            let rest = UnsafeRawBufferPointer(rebasing: bytes[frame.sentHeaderCount...])
            do throws(SystemError) {
                return .success(try socket.send(rest, more: hasMore))
            } catch {
                return .failure(error)
            }
        }
        guard case .bytes(let count) = try transfer.socketFault() else { return false }
        queue[0].sentHeaderCount += count
        return true
    }

    /// Sends more of the first frame's payload with sendfile(2). Returns false when the socket would block.
    func sendPayload(on socket: borrowing Socket) throws(SendFault) -> Bool {
        let frame = queue[0]
        guard let payload = frame.payload, let source = frame.source, frame.unsentPayloadCount > 0 else { return true }
        let descriptor = socket.descriptor
        guard var position = off_t(exactly: payload.offset + UInt64(frame.sentPayloadCount)) else {
            throw .sourceShrank(tag: frame.tag)
        }
        let (count, code) = System.outcome("sendfile") {
            sendfile(
                descriptor, source.descriptor, &position, System.length("sendfile", frame.unsentPayloadCount))
        }
        switch code {
        case 0 where count == 0: throw .sourceShrank(tag: frame.tag)
        case 0: queue[0].sentPayloadCount += count
        case EAGAIN: return false
        case EIO, EINVAL, EBADF, ENOSYS, EISDIR, ESTALE, ENXIO:
            throw .source(SystemError(call: "sendfile", errno: code), tag: frame.tag)
        default: throw .socket(SystemError(call: "sendfile", errno: code, subject: "\(socket.remoteAddress)"))
        }
        return true
    }
}

extension Result where Failure == SystemError {
    func socketFault() throws(SendFault) -> Success {
        switch self {
        case .success(let value): value
        case .failure(let error): throw .socket(error)
        }
    }
}
