import Glibc

extension SocketAddress.Host {
    /// No address in particular: to bind to it is to bind to all addresses of the family.
    public static let anyIPv4 = SocketAddress.Host.v4(0)
    public static let anyIPv6 = SocketAddress.Host.v6(high: 0, low: 0, scope: 0)

    public var isAny: Bool { self == .anyIPv4 || self == .anyIPv6 }

    public var isIPv6: Bool {
        if case .v6 = self { return true }
        return false
    }

    /// An IPv6 address that means something on one link only, fe80::/10 (RFC 4291, section 2.5.6).
    public var isLinkLocal: Bool {
        if case .v6(let high, _, _) = self { return high >> 54 == 0x3FA }
        return false
    }

    /// `192.0.2.7`, `2001:db8::7`, and with the name of its interface `fe80::7%eth0`, as a resolver takes it.
    public var text: String {
        guard case .v6(_, _, let scope) = self, scope != 0 else { return digits }
        let name = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { buffer in
            if_indextoname(scope, buffer.baseAddress).map { String(cString: $0) }
        }
        return "\(digits)%\(name ?? "\(scope)")"
    }

    /// The address alone, without its scope.
    var digits: String {
        switch self {
        case .v4(let bits): return "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)"
        case .v6(let high, let low, _):
            var bytes = in6_addr(high: high, low: low)
            return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
                String(
                    cString: inet_ntop(AF_INET6, &bytes, buffer.baseAddress, 64) ?? UnsafePointer(buffer.baseAddress!))
            }
        }
    }
}

extension in6_addr {
    /// From its two halves in host order.
    init(high: UInt64, low: UInt64) {
        self.init()
        withUnsafeMutableBytes(of: &self) {
            $0.storeBytes(of: high.bigEndian, as: UInt64.self)
            $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
    }
}
