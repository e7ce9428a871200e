/// The fixed header in front of every payload: length, type, flags, reserved, chunk ID, in network byte order.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | payload length in bytes |
/// | 4 | 1 | message type |
/// | 5 | 1 | flags, 0 in version 1 |
/// | 6 | 2 | reserved, 0 |
/// | 8 | 4 | chunk ID, 0 where the type has no use for it |
public struct FrameHeader: Sendable, Equatable {
    public let type: MessageType
    public let chunk: ChunkID
    public let payloadByteCount: Int

    public init(type: MessageType, chunk: ChunkID = 0, payloadByteCount: Int) {
        precondition(type.payloadByteCounts.contains(payloadByteCount), "\(type) of \(payloadByteCount) bytes")
        self.type = type
        self.chunk = chunk
        self.payloadByteCount = payloadByteCount
    }

    public func append(to bytes: inout [UInt8]) {
        FrameHeader.append(type, chunk: chunk, payloadByteCount: payloadByteCount, to: &bytes)
    }

    static func append(_ type: MessageType, chunk: ChunkID, payloadByteCount: Int, to bytes: inout [UInt8]) {
        bytes.appendInteger(UInt32(payloadByteCount))
        bytes.append(type.rawValue)
        bytes.append(0)
        bytes.appendInteger(UInt16(0))
        bytes.appendInteger(chunk)
    }

    /// What the first twelve bytes of a frame say: a known frame, or one of a later version to skip.
    public enum Parsed: Sendable, Equatable {
        case known(FrameHeader)
        case skip(payloadByteCount: Int)
    }

    /// Reads a header from 12 bytes; throws what is wrong with it before anything is allocated for the payload.
    public static func parse(_ bytes: RawSpan) throws(WireError) -> Parsed {
        precondition(bytes.byteCount == WireLimits.frameHeaderByteCount)
        func load<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: Value.Type) -> Value {
            Value(bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Value.self))
        }
        let length = load(0, UInt32.self)
        let rawType = load(4, UInt8.self)
        let chunk = load(8, UInt32.self)
        guard let type = MessageType(rawValue: rawType) else {
            guard rawType >= WireLimits.firstSkippableType else { throw .unknownType(rawType) }
            let limit = WireLimits.largestSkippedByteCount
            guard length <= limit else { throw .frameTooLong(type: rawType, byteCount: length, limit: limit) }
            return .skip(payloadByteCount: Int(length))
        }
        guard load(5, UInt8.self) == 0, load(6, UInt16.self) == 0 else { throw .reservedBitsSet }
        guard type.usesChunkID || chunk == 0 else { throw .badField(type, field: "chunk ID") }
        let sizes = type.payloadByteCounts
        guard length <= sizes.upperBound else {
            throw .frameTooLong(type: rawType, byteCount: length, limit: sizes.upperBound)
        }
        guard length >= sizes.lowerBound else { throw .frameTooShort(type: rawType, byteCount: length) }
        return .known(FrameHeader(type: type, chunk: chunk, payloadByteCount: Int(length)))
    }
}
