/// sendfile(2): from the page cache into the socket without a copy. Headers wait for their payload with MSG_MORE; short
/// payloads are read instead, many at a time, which costs less than a call for each.
public final class SendfileTransport: FrameSender {
    public static let kind = TransportKind.sendfile
    var queue = SendQueue()
    private let gathered = GatherBuffer.forShortPayloads()

    public init() {}

    func sendSome(on socket: borrowing Socket) throws(SendFault) -> Bool {
        try sendGatheredOrFile(gathered, on: socket)
    }
}

extension GatherBuffer {
    /// Up to here reading costs less than sendfile(2) for each payload.
    static let shortPayloadByteCount = 16 * 1024

    static func forShortPayloads(startsLongFrames: Bool = true) -> GatherBuffer {
        GatherBuffer(
            byteCount: 128 * 1024, payloadLimit: shortPayloadByteCount, startsLongFrames: startsLongFrames)
    }
}
