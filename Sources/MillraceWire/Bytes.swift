/// Big-endian fields read from a span; each check is a typed error, never a trap.
struct FieldReader: ~Copyable, ~Escapable {
    private let bytes: RawSpan
    private let type: MessageType
    private var position = 0

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan, of type: MessageType) {
        self.bytes = bytes
        self.type = type
    }

    var remaining: Int { bytes.byteCount - position }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_: Value.Type) throws(WireError) -> Value {
        let width = MemoryLayout<Value>.size
        guard remaining >= width else { throw .truncated(type) }
        let value = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: position, as: Value.self)
        position += width
        return Value(bigEndian: value)
    }

    mutating func array(_ count: Int) throws(WireError) -> [UInt8] {
        guard count >= 0, remaining >= count else { throw .truncated(type) }
        var result: [UInt8] = []
        result.reserveCapacity(count)
        for index in position..<(position + count) {
            result.append(unsafe bytes.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self))
        }
        position += count
        return result
    }

    mutating func digest() throws(WireError) -> Digest {
        Digest(
            try integer(UInt64.self), try integer(UInt64.self), try integer(UInt64.self), try integer(UInt64.self))
    }

    mutating func text(_ count: Int, field: String) throws(WireError) -> String {
        guard let text = String(validating: try array(count), as: UTF8.self) else {
            throw .badField(type, field: field)
        }
        return text
    }

    consuming func end() throws(WireError) {
        guard remaining == 0 else { throw .trailingBytes(type) }
    }
}

extension Array<UInt8> {
    /// Appends an integer in network byte order.
    mutating func appendInteger<Value: FixedWidthInteger>(_ value: Value) {
        var shift = Value.bitWidth
        while shift > 0 {
            shift -= 8
            append(UInt8(truncatingIfNeeded: value >> Value(shift)))
        }
    }
}
