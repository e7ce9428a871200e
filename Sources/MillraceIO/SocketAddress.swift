import Glibc

/// An IP address and a TCP port. IPv4 mapped into IPv6 (RFC 4291, section 2.5.5.2) becomes IPv4.
public struct SocketAddress: Sendable, Hashable {
    public enum Host: Sendable, Hashable {
        /// In host order: 127.0.0.1 is 0x7F000001.
        case v4(UInt32)
        /// The two halves in host order; the scope is an interface number or 0.
        case v6(high: UInt64, low: UInt64, scope: UInt32)
    }

    public let host: Host
    public let port: UInt16

    public init(host: Host, port: UInt16) {
        if case .v6(let high, let low, _) = host, high == 0, low >> 32 == 0xFFFF {
            self.host = .v4(UInt32(truncatingIfNeeded: low))
        } else {
            self.host = host
        }
        self.port = port
    }

    /// From the system's form; nil for another address family.
    init?(_ storage: sockaddr_storage) {
        let address: SocketAddress? = withUnsafeBytes(of: storage) { bytes in
            switch CInt(storage.ss_family) {
            case AF_INET:
                let v4 = bytes.loadUnaligned(as: sockaddr_in.self)
                return SocketAddress(
                    host: .v4(UInt32(bigEndian: v4.sin_addr.s_addr)), port: UInt16(bigEndian: v4.sin_port))
            case AF_INET6:
                let v6 = bytes.loadUnaligned(as: sockaddr_in6.self)
                let (high, low) = withUnsafeBytes(of: v6.sin6_addr) {
                    (
                        UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
                        UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                    )
                }
                return SocketAddress(
                    host: .v6(high: high, low: low, scope: v6.sin6_scope_id), port: UInt16(bigEndian: v6.sin6_port))
            default: return nil
            }
        }
        guard let address else { return nil }
        self = address
    }

    var family: CInt {
        switch host {
        case .v4: AF_INET
        case .v6: AF_INET6
        }
    }

    /// Calls `body` with the system's form of the address and its length.
    func withSystemForm<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        switch host {
        case .v4(let bits):
            var form = sockaddr_in()
            form.sin_family = sa_family_t(AF_INET)
            form.sin_port = port.bigEndian
            form.sin_addr.s_addr = bits.bigEndian
            return SocketAddress.withPointer(to: form, body)
        case .v6(let high, let low, let scope):
            var form = sockaddr_in6()
            form.sin6_family = sa_family_t(AF_INET6)
            form.sin6_port = port.bigEndian
            form.sin6_scope_id = scope
            form.sin6_addr = in6_addr(high: high, low: low)
            return SocketAddress.withPointer(to: form, body)
        }
    }

    private static func withPointer<Form, Result>(
        to form: Form, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: form) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<Form>.size))
            }
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// `127.0.0.1:9000` or `[fe80::1%2]:9000`.
    public var description: String {
        switch host {
        case .v4: "\(host.digits):\(port)"
        case .v6(_, _, scope: 0): "[\(host.digits)]:\(port)"
        case .v6(_, _, let scope): "[\(host.digits)%\(scope)]:\(port)"
        }
    }
}
