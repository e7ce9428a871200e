import CLiburing
import Glibc

/// A listening TCP socket, non-blocking.
public struct Listener: ~Copyable, Sendable {
    private let socket: Descriptor
    /// The port it listens on: the one asked for, or the free one that was found for port 0.
    public let port: UInt16

    /// Listens on one address, or with a nil host on all of IPv6 and IPv4 at once, IPv4 alone where there is no IPv6.
    /// Throws with `getaddrinfo` as the call when the host has no address.
    public init(host: String?, port: UInt16, backlog: Int32 = 1024) throws(SystemError) {
        if let host {
            guard let address = try? Resolver.resolve(host: host, port: port).first else {
                throw SystemError(call: "getaddrinfo", errno: EADDRNOTAVAIL, subject: host)
            }
            try self.init(address: address, backlog: backlog)
            return
        }
        do {
            try self.init(address: SocketAddress(host: .anyIPv6, port: port), backlog: backlog)
        } catch  where error.errno == EAFNOSUPPORT || error.errno == EADDRNOTAVAIL {
            try self.init(address: SocketAddress(host: .anyIPv4, port: port), backlog: backlog)
        }
    }

    private init(address: SocketAddress, backlog: Int32) throws(SystemError) {
        let socket = try System.streamSocket(family: address.family, "\(address)")
        try System.setOption(socket.rawValue, SOL_SOCKET, SO_REUSEADDR, 1)
        if address.family == AF_INET6 {
            try System.setOption(socket.rawValue, CInt(IPPROTO_IPV6), IPV6_V6ONLY, 0)
        }
        try System.check("bind", "\(address)") { address.withSystemForm { bind(socket.rawValue, $0, $1) } }
        try System.check("listen", "\(address)") { listen(socket.rawValue, backlog) }
        self.port = try System.localAddress(of: socket.rawValue).port
        self.socket = socket
    }

    public var descriptor: CInt { socket.rawValue }

    /// The next connection; nil when there is none, or when the one there was has gone again.
    /// Throws when the process or the system is out of descriptors or memory.
    public borrowing func accept() throws(SystemError) -> Socket? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let flags = CInt(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let (result, code) = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { form in
                System.outcome("accept4") { accept4(socket.rawValue, form, &length, flags) }
            }
        }
        switch code {
        case 0:
            let connection = Descriptor(result)
            guard let remote = SocketAddress(storage), let local = try? System.localAddress(of: result) else {
                return nil
            }
            return Socket(connection, local: local, remote: remote)
        // accept(2): Linux hands pending network errors of the new connection to accept.
        case EAGAIN, ECONNABORTED, EPERM, EPROTO, ENOPROTOOPT, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, ENONET,
            EOPNOTSUPP, ETIMEDOUT, ECONNRESET:
            return nil
        default: throw SystemError(call: "accept4", errno: code, subject: "port \(port)")
        }
    }
}
