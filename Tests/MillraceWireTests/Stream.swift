import MillraceWire

/// What a connection delivers, chunks whole.
enum Seen: Equatable {
    case message(Message)
    case chunk(MessageType, ChunkID, [UInt8])

    var type: MessageType {
        switch self {
        case .message(let message): message.type
        case .chunk(let type, _, _): type
        }
    }
}

/// A frame reader and the caller it expects: takes chunk payloads out of the stream itself.
struct Stream {
    private var reader = FrameReader()
    private var chunk: FrameHeader?
    private var payload: [UInt8] = []
    private(set) var seen: [Seen] = []

    /// Takes one piece of the stream, in the way a socket's buffer would come.
    mutating func feed(_ piece: [UInt8]) throws(WireError) {
        var consumed = 0
        while true {
            if let header = chunk {
                let step = min(header.payloadByteCount - payload.count, piece.count - consumed)
                payload += piece[consumed..<(consumed + step)]
                consumed += step
                guard payload.count == header.payloadByteCount else { return }
                seen.append(.chunk(header.type, header.chunk, payload))
                chunk = nil
                payload = []
            }
            switch try reader.next(piece.span.bytes, consumed: &consumed) {
            case .needMore:
                precondition(consumed == piece.count, "bytes were left behind")
                return
            case .message(let message): seen.append(.message(message))
            case .chunkFollows(let header): chunk = header
            }
        }
    }

    /// What a stream that comes in these pieces delivers, and the error that ended it.
    static func read(_ pieces: [[UInt8]]) -> (seen: [Seen], error: WireError?) {
        var stream = Stream()
        do throws(WireError) {
            for piece in pieces { try stream.feed(piece) }
            return (stream.seen, nil)
        } catch {
            return (stream.seen, error)
        }
    }
}

extension [UInt8] {
    /// Itself in two pieces.
    func split(at index: Int) -> [[UInt8]] { [Array(self[..<index]), Array(self[index...])] }

    /// Itself one byte at a time.
    var singly: [[UInt8]] { map { [$0] } }
}

/// A hello that opens a stream.
let plainHello = Message.hello(
    HelloMessage(role: .peer, swarm: .unknown, node: NodeToken(high: 1, low: 2)))

/// A digest of an array's bytes: a span can't go into an expectation.
func digest(_ bytes: [UInt8]) -> Digest? { Digest(bytes.span.bytes) }
