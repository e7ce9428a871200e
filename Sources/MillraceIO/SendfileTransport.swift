/// sendfile(2): from the page cache into the socket without a copy. The header waits for it with MSG_MORE.
public final class SendfileTransport: FrameSender {
    public static let kind = TransportKind.sendfile
    var queue = SendQueue()

    public init() {}

    func sendSome(on socket: borrowing Socket) throws(SendFault) -> Bool {
        if queue[0].sentHeaderCount < queue[0].header.count { return try sendHeader(on: socket) }
        return try sendPayload(on: socket)
    }
}
