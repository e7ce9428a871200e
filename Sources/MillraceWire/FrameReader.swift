/// Cuts a byte stream into frames, however the bytes arrive. Does no I/O and never sees chunk bytes: when a frame
/// carries a chunk, it hands back the header, and the caller takes the payload from the rest of its buffer and the
/// socket, then goes on with the bytes after it.
public struct FrameReader: Sendable {
    public enum Event: Sendable, Equatable {
        /// All bytes were taken; more are needed.
        case needMore
        case message(Message)
        /// The next `payloadByteCount` bytes of the stream are the chunk's.
        case chunkFollows(FrameHeader)
    }

    private var header: FrameHeader?
    private var skipping = 0
    /// The beginning of a header or control payload that was not complete in the bytes seen so far.
    private var partial: [UInt8] = []
    /// The first frame is a hello, which tells a node from a stranger at once, or the goodbye of one that refuses.
    private var expectsHello = true

    public init() {}

    /// Takes bytes from the front of `bytes`, of which `consumed` were taken before, up to the end of the next event.
    public mutating func next(_ bytes: RawSpan, consumed: inout Int) throws(WireError) -> Event {
        while true {
            if skipping > 0 {
                let step = min(skipping, bytes.byteCount - consumed)
                skipping -= step
                consumed += step
                guard skipping == 0 else { return .needMore }
            }
            guard let current = header else {
                guard try takeHeader(bytes, consumed: &consumed) else { return .needMore }
                continue
            }
            if current.type.carriesChunk {
                header = nil
                return .chunkFollows(current)
            }
            return try takeMessage(current, bytes, consumed: &consumed)
        }
    }

    private mutating func takeHeader(_ bytes: RawSpan, consumed: inout Int) throws(WireError) -> Bool {
        let parsed: FrameHeader.Parsed
        let size = WireLimits.frameHeaderByteCount
        if partial.isEmpty, bytes.byteCount - consumed >= size {
            parsed = try FrameHeader.parse(bytes.extracting(consumed..<(consumed + size)))
            consumed += size
        } else {
            guard fill(to: size, bytes, consumed: &consumed) else { return false }
            parsed = try FrameHeader.parse(partial.span.bytes)
            partial.removeAll(keepingCapacity: true)
        }
        switch parsed {
        case .known(let known):
            if expectsHello {
                guard known.type == .hello || known.type == .goodbye else { throw .unexpectedMessage(known.type) }
                expectsHello = false
            }
            header = known
        case .skip(let count):
            guard !expectsHello else { throw .badMagic }
            skipping = count
        }
        return true
    }

    private mutating func takeMessage(
        _ current: FrameHeader, _ bytes: RawSpan, consumed: inout Int
    ) throws(WireError) -> Event {
        let size = current.payloadByteCount
        let message: Message
        if partial.isEmpty, bytes.byteCount - consumed >= size {
            message = try Message.decode(current, payload: bytes.extracting(consumed..<(consumed + size)))
            consumed += size
        } else {
            guard fill(to: size, bytes, consumed: &consumed) else { return .needMore }
            message = try Message.decode(current, payload: partial.span.bytes)
            partial.removeAll(keepingCapacity: size <= 4096)
        }
        header = nil
        return .message(message)
    }

    /// Moves bytes into `partial` until it holds `count`. Grows with what has arrived, not with what was announced.
    private mutating func fill(to count: Int, _ bytes: RawSpan, consumed: inout Int) -> Bool {
        let step = min(count - partial.count, bytes.byteCount - consumed)
        for offset in consumed..<(consumed + step) { partial.append(bytes.byte(at: offset)) }
        consumed += step
        return partial.count == count
    }
}
