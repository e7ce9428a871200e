/// One datagram by which a node asks the link for owners (PROTOCOL.md, section "Discovery"). It is padded to the size
/// of the longest reply, so that nobody can be made to send more than he was sent.
public struct DiscoveryQuery: Sendable, Equatable {
    /// Comes back in the replies: whoever did not see the query can't answer it.
    public let token: UInt64

    public init(token: UInt64) {
        self.token = token
    }

    public var datagram: [UInt8] {
        var bytes = DiscoveryLimits.magic
        bytes.appendInteger(DiscoveryLimits.version)
        bytes.append(DiscoveryLimits.queryKind)
        bytes.append(0)
        bytes.appendInteger(token)
        bytes.append(contentsOf: repeatElement(0, count: DiscoveryLimits.queryByteCount - bytes.count))
        return bytes
    }

    /// Nil for a datagram that is no query: it is dropped without a word.
    public init?(_ bytes: RawSpan) {
        guard bytes.byteCount == DiscoveryLimits.queryByteCount else { return nil }
        guard bytes.hasDiscoveryStart(kind: DiscoveryLimits.queryKind), bytes.discoveryByte(11) == 0 else { return nil }
        for offset in 20..<bytes.byteCount where bytes.discoveryByte(offset) != 0 { return nil }
        token = bytes.discoveryInteger(12, UInt64.self)
    }
}

/// Numbers of discovery that two implementations must agree on.
public enum DiscoveryLimits {
    public static let magic: [UInt8] = Array("MILLFIND".utf8)
    public static let version: UInt16 = 1
    /// Queries go to this IPv4 group and port, with a time to live of 1: local scope of RFC 2365, "MR" in its last
    /// bytes.
    public static let groupBits: UInt32 = 239 << 24 | 255 << 16 | 77 << 8 | 82
    /// And to this IPv6 group, ff12::cd49:4c52: link-local and of nobody's (RFC 4291, section 2.7), with a number from
    /// the range for such groups (RFC 3307, section 4.3), "MILR" but for its first bit.
    public static let groupHigh: UInt64 = 0xFF12 << 48
    public static let groupLow: UInt64 = 0xCD49_4C52
    public static let port: UInt16 = 19_782
    /// Longer than the longest reply.
    public static let queryByteCount = 512
    public static let replyFixedByteCount = 84

    static let queryKind: UInt8 = 0
    static let replyKind: UInt8 = 1
}

extension RawSpan {
    /// The byte at an offset that is known to be there.
    func discoveryByte(_ offset: Int) -> UInt8 { discoveryInteger(offset, UInt8.self) }

    func discoveryInteger<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: Value.Type) -> Value {
        precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= byteCount)
        return Value(bigEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    /// Magic, version and kind.
    func hasDiscoveryStart(kind: UInt8) -> Bool {
        guard byteCount >= 20 else { return false }
        for (offset, byte) in DiscoveryLimits.magic.enumerated() where discoveryByte(offset) != byte { return false }
        return discoveryInteger(8, UInt16.self) == DiscoveryLimits.version && discoveryByte(10) == kind
    }
}
