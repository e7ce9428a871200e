import Glibc

/// sendfile(2): from the page cache into the socket without a copy. The header waits for it with MSG_MORE.
public final class SendfileTransport: FrameSender {
    public static let kind = TransportKind.sendfile
    var queue = SendQueue()

    public init() {}

    func sendSome(on socket: borrowing Socket) throws(SendFault) -> Bool {
        if queue[0].sentHeaderCount < queue[0].header.count { return try sendHeader(on: socket) }
        return try sendPayload(on: socket)
    }

    private func sendPayload(on socket: borrowing Socket) throws(SendFault) -> Bool {
        let frame = queue[0]
        guard let payload = frame.payload, let source = frame.source else { return true }
        let descriptor = socket.descriptor
        guard var position = off_t(exactly: payload.offset + UInt64(frame.sentPayloadCount)) else {
            throw .sourceShrank(tag: frame.tag)
        }
        let (count, code) = System.outcome("sendfile") {
            sendfile(descriptor, source.descriptor, &position, frame.unsentPayloadCount)
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
