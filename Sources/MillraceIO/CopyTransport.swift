/// pread(2), then send(2). It takes more of the sender's time than sendfile(2) and less of the receiver's, if that is
/// on the same machine: the bytes are in the cache when they arrive. Header and payload leave with one call, short
/// payloads many at a time.
public final class CopyTransport: FrameSender {
    public static let kind = TransportKind.copy
    private static let bufferByteCount = 256 * 1024

    var queue = SendQueue()
    private let gathered = GatherBuffer.forShortPayloads(startsLongFrames: false)
    private let buffer = PooledBuffer(byteCount: CopyTransport.bufferByteCount)
    /// What of the first frame is in the buffer and has not left.
    private var unsent = 0..<0

    public init() {}

    func sendSome(on socket: borrowing Socket) throws(SendFault) -> Bool {
        if gathered.serves(queue[0]) { return try gathered.send(&queue, on: socket) }
        if unsent.isEmpty { try fill() }
        let frame = queue[0]
        let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[unsent].prefix(queue.callByteCount))
        let isLast = frame.header.count - frame.sentHeaderCount + frame.unsentPayloadCount == bytes.count
        let transfer: Transfer
        do throws(SystemError) {
            transfer = try socket.send(bytes, more: !isLast || queue.count > 1)
        } catch {
            throw .socket(error)
        }
        guard case .bytes(let count) = transfer else {
            // A frame that has not started may be dropped before the next try: its bytes must not stay behind.
            if !frame.hasStarted { unsent = 0..<0 }
            return false
        }
        unsent = (unsent.lowerBound + count)..<unsent.upperBound
        let headerCount = min(count, frame.header.count - frame.sentHeaderCount)
        queue[0].sentHeaderCount += headerCount
        queue[0].sentPayloadCount += count - headerCount
        return true
    }

    /// Puts the rest of the first frame into the buffer, as much as fits.
    private func fill() throws(SendFault) {
        try queue.openSource(at: 0)
        let frame = queue[0]
        let header = frame.header[frame.sentHeaderCount...].prefix(buffer.bytes.count)
        for (index, byte) in header.enumerated() { buffer.bytes[index] = byte }
        var end = header.count
        if let payload = frame.payload, let source = frame.source, end < buffer.bytes.count {
            let wanted = min(frame.unsentPayloadCount, buffer.bytes.count - end)
            let space = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[end..<(end + wanted)])
            let position = payload.offset + UInt64(frame.sentPayloadCount)
            do throws(SystemError) {
                guard try System.read(source.descriptor, at: position, into: space) == wanted else {
                    throw SystemError(call: "pread", errno: 0)
                }
            } catch {
                throw error.errno == 0 ? .sourceShrank(tag: frame.tag) : .source(error, tag: frame.tag)
            }
            end += wanted
        }
        unsent = 0..<end
    }
}
