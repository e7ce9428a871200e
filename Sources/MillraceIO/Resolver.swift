import CLiburing
import Glibc

/// A host name or address that could not be turned into socket addresses.
public struct ResolveError: Error, Sendable, Equatable, CustomStringConvertible {
    public let host: String
    /// What getaddrinfo says of it.
    public let reason: String

    public var description: String { "cannot resolve \(host): \(reason)" }
}

/// Names to addresses by the system's resolver.
public enum Resolver {
    /// The TCP addresses of a host in the system's order of preference. Takes names and literal addresses,
    /// `fe80::1%eth0` among them. Blocks while the resolver asks.
    public static func resolve(host: String, port: UInt16) throws(ResolveError) -> [SocketAddress] {
        if host == "localhost" { return thisMachine(port: port) }
        guard !host.utf8.contains(0) else { throw ResolveError(host: "(name with a NUL)", reason: "not a name") }
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        hints.ai_protocol = CInt(IPPROTO_TCP)
        var list: UnsafeMutablePointer<addrinfo>?
        var code: CInt = 0
        let (_, fault) = System.outcome("getaddrinfo") {
            code = getaddrinfo(host, nil, &hints, &list)
            return code == EAI_SYSTEM ? -1 : 0
        }
        guard fault == 0, code == 0 else {
            let reason = fault != 0 ? SystemError.text(of: fault) : String(cString: gai_strerror(code))
            throw ResolveError(host: host, reason: reason)
        }
        defer { freeaddrinfo(list) }
        let addresses = addresses(in: list, port: port)
        guard !addresses.isEmpty else { throw ResolveError(host: host, reason: "no IPv4 or IPv6 address") }
        return addresses
    }

    /// What `localhost` means, whether or not a resolver knows it (RFC 6761, section 6.3): a minimal system
    /// has no /etc/hosts.
    private static func thisMachine(port: UInt16) -> [SocketAddress] {
        let hosts: [SocketAddress.Host] = [.v4(0x7F00_0001), .v6(high: 0, low: 1, scope: 0)]
        return hosts.map { SocketAddress(host: $0, port: port) }
    }

    private static func addresses(in list: UnsafeMutablePointer<addrinfo>?, port: UInt16) -> [SocketAddress] {
        var result: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            guard let form = entry.ai_addr else { continue }
            var storage = sockaddr_storage()
            let byteCount = min(Int(entry.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
            withUnsafeMutableBytes(of: &storage) {
                $0.copyMemory(from: UnsafeRawBufferPointer(start: form, count: byteCount))
            }
            guard let address = SocketAddress(storage) else { continue }
            let found = SocketAddress(host: address.host, port: port)
            if !result.contains(found) { result.append(found) }
        }
        return result
    }
}
