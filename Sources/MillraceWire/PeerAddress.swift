/// Where a node listens, as it goes over the wire: 20 bytes (family, reserved, port, address).
public struct PeerAddress: Sendable, Hashable {
    public enum Host: Sendable, Hashable {
        /// No address is given.
        case none
        /// The owner's own machine: each reader takes the address by which it reaches the owner.
        case ownersHost
        case v4(UInt32)
        case v6(high: UInt64, low: UInt64)

        /// An address of this machine that other machines can't use.
        public var isLoopback: Bool {
            switch self {
            case .none, .ownersHost: false
            case .v4(let bits): bits >> 24 == 127
            case .v6(let high, let low): high == 0 && low == 1
            }
        }

        /// IPv4 as itself where it comes mapped into IPv6 (RFC 4291, section 2.5.5.2).
        public var unmapped: Host {
            if case .v6(let high, let low) = self, high == 0, low >> 32 == 0xFFFF {
                return .v4(UInt32(truncatingIfNeeded: low))
            }
            return self
        }
    }

    public let host: Host
    public let port: UInt16

    public init(host: Host, port: UInt16) {
        self.host = host
        self.port = port
    }

    public static let none = PeerAddress(host: .none, port: 0)

    static let byteCount = 20

    func append(to bytes: inout [UInt8]) {
        let (family, high, low): (UInt8, UInt64, UInt64) =
            switch host {
            case .none: (0, 0, 0)
            case .ownersHost: (1, 0, 0)
            case .v4(let bits): (4, UInt64(bits) << 32, 0)
            case .v6(let high, let low): (6, high, low)
            }
        bytes.append(family)
        bytes.append(0)
        bytes.appendInteger(port)
        bytes.appendInteger(high)
        bytes.appendInteger(low)
    }
}

extension FieldReader {
    mutating func address(of type: MessageType) throws(WireError) -> PeerAddress {
        let family = try integer(UInt8.self)
        guard try integer(UInt8.self) == 0 else { throw .badField(type, field: "address") }
        let port = try integer(UInt16.self)
        let high = try integer(UInt64.self)
        let low = try integer(UInt64.self)
        switch (family, high, low) {
        case (0, 0, 0) where port == 0: return .none
        case (1, 0, 0) where port != 0: return PeerAddress(host: .ownersHost, port: port)
        case (4, _, 0) where high & 0xFFFF_FFFF == 0 && port != 0:
            return PeerAddress(host: .v4(UInt32(high >> 32)), port: port)
        case (6, _, _) where port != 0:
            return PeerAddress(host: PeerAddress.Host.v6(high: high, low: low).unmapped, port: port)
        default: throw .badField(type, field: "address")
        }
    }
}
