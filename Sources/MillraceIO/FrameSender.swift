import Glibc

/// What all transports share: the loop over the queue, in which each sends payloads in its own way.
protocol FrameSender: Transport {
    var queue: SendQueue { get set }

    /// Sends more of the queue's front. Returns false when the socket would block.
    func sendSome(on socket: borrowing Socket) throws(SendFault) -> Bool
}

extension FrameSender {
    public var queuedCount: Int { queue.count }
    public var isBroken: Bool { queue.isBroken }

    public var callByteCount: Int {
        get { queue.callByteCount }
        set { queue.callByteCount = newValue }
    }

    public var limitByteCount: Int {
        get { queue.limitByteCount }
        set { queue.limitByteCount = newValue }
    }

    public func enqueue(header: [UInt8], payload: FilePayload, tag: UInt32) {
        precondition(payload.byteCount >= 0, "payload of \(payload.byteCount) bytes")
        queue.append(header, payload, tag: tag)
    }

    public func enqueue(bytes: [UInt8]) { queue.append(bytes, nil, tag: 0) }

    public func drop(tag: UInt32) -> Bool { queue.drop(tag: tag) }

    public func send(on socket: borrowing Socket, completed: (UInt32) -> Void) throws(SendFault) -> Bool {
        while !queue.isEmpty {
            if queue[0].isDone {
                let (tag, hadPayload) = (queue[0].tag, queue[0].payload != nil)
                queue.removeFirst()
                if hadPayload { completed(tag) }
                continue
            }
            if isFull(socket) { return false }
            do throws(SendFault) {
                guard try sendSome(on: socket) else { return false }
            } catch {
                queue.removeFirst()
                throw error
            }
        }
        return true
    }

    /// The kernel looks at its limit when it begins a packet buffer, not when it fills one up that has not left yet: a
    /// link that is busy held four to nine times as much of each connection as one that is not, and took as much more
    /// of what all its readers' links carry.
    private func isFull(_ socket: borrowing Socket) -> Bool {
        guard queue.limitByteCount < .max, queue[0].payload != nil else { return false }
        return socket.queuedByteCount >= queue.limitByteCount
    }

    /// Headers and short payloads leave many at a time; of a long one only the payload is left for sendfile(2).
    func sendGatheredOrFile(_ gathered: GatherBuffer, on socket: borrowing Socket) throws(SendFault) -> Bool {
        if gathered.serves(queue[0]) { return try gathered.send(&queue, on: socket) }
        try queue.openSource(at: 0)
        return try sendPayload(on: socket)
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
            let length = min(frame.unsentPayloadCount, queue.callByteCount)
            return sendfile(descriptor, source.descriptor, &position, System.length("sendfile", length))
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
