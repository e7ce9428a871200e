/// The numbers that go into a goodbye frame (PROTOCOL.md, section "Goodbye codes").
public enum GoodbyeCode: UInt16, Sendable, Equatable, CaseIterable {
    case done = 0
    case badFrame = 1
    case badMagic = 2
    case versionMismatch = 3
    case frameTooLong = 4
    case unknownType = 5
    case unexpectedMessage = 6
    case badField = 7
    case limitExceeded = 8
    case wrongSwarm = 9
    case notReady = 10
    case badChunk = 11
    case timedOut = 12
    case evicted = 13
    case tooManyConnections = 14
    case selfConnection = 15
    case sourceFailed = 16
    case leaving = 17
    case replaced = 18
}

/// A peer's fault: what was wrong with the bytes it sent. Each has the goodbye code that answers it.
public enum WireError: Error, Equatable, Sendable {
    case truncated(MessageType)
    case trailingBytes(MessageType)
    case reservedBitsSet
    case badMagic
    case versionMismatch(low: UInt16, high: UInt16)
    case frameTooLong(type: UInt8, byteCount: UInt32, limit: Int)
    case frameTooShort(type: UInt8, byteCount: UInt32)
    case unknownType(UInt8)
    case unexpectedMessage(MessageType)
    case badField(MessageType, field: String)
    case chunkOutOfRange(ChunkID, chunkCount: UInt32)
    case chunkLengthWrong(ChunkID, byteCount: UInt32, expected: UInt32)
    case limitExceeded(limit: String)

    public var goodbyeCode: GoodbyeCode {
        switch self {
        case .truncated, .trailingBytes, .reservedBitsSet, .frameTooShort: .badFrame
        case .badMagic: .badMagic
        case .versionMismatch: .versionMismatch
        case .frameTooLong: .frameTooLong
        case .unknownType: .unknownType
        case .unexpectedMessage: .unexpectedMessage
        case .badField, .chunkOutOfRange, .chunkLengthWrong: .badField
        case .limitExceeded: .limitExceeded
        }
    }
}

extension WireError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated(let type): "\(type) message ends too early"
        case .trailingBytes(let type): "\(type) message has bytes after its last field"
        case .reservedBitsSet: "reserved bits of the frame header are not zero"
        case .badMagic: "not a Millrace hello"
        case .versionMismatch(let low, let high):
            "speaks versions \(low) to \(high), this node \(WireLimits.oldestVersion) to \(WireLimits.newestVersion)"
        case .frameTooLong(let type, let byteCount, let limit):
            "frame of type \(type) has \(byteCount) bytes, more than the \(limit) allowed"
        case .frameTooShort(let type, let byteCount): "frame of type \(type) has only \(byteCount) bytes"
        case .unknownType(let type): "unknown message type \(type)"
        case .unexpectedMessage(let type): "\(type) message is not allowed here"
        case .badField(let type, let field): "\(type) message has a bad \(field)"
        case .chunkOutOfRange(let chunk, let count): "chunk \(chunk) does not exist, the file has \(count)"
        case .chunkLengthWrong(let chunk, let byteCount, let expected):
            "chunk \(chunk) came with \(byteCount) bytes, it has \(expected)"
        case .limitExceeded(let limit): "too many \(limit)"
        }
    }
}
