import CLiburing
import Glibc

/// A UDP socket for a multicast group on the link, over IPv4 or IPv6, non-blocking. Closed with its last reference.
public final class DatagramSocket: Sendable {
    private let socket: Descriptor
    private let family: CInt

    /// A socket for questions and answers to single addresses, bound to one address of this machine or, with one of
    /// zeros, to all of its family.
    public init(boundTo host: SocketAddress.Host) throws(SystemError) {
        let address = SocketAddress(host: host, port: 0)
        let socket = try DatagramSocket.make(address)
        // Nothing goes beyond the link.
        if address.family == AF_INET {
            try System.setOption(socket.rawValue, CInt(IPPROTO_IP), CInt(IP_MULTICAST_TTL), 1)
        } else {
            try System.setOption(socket.rawValue, CInt(IPPROTO_IPV6), CInt(IPV6_MULTICAST_HOPS), 1)
        }
        family = address.family
        self.socket = socket
    }

    /// A socket that hears what is sent to a group on the interfaces given; several processes may have one. One over
    /// IPv6 also hears what is sent to this machine alone.
    public init(group: SocketAddress, on interfaces: [LinkInterface]) throws(SystemError) {
        // The group's address takes only what is meant for the group; of IPv6 it can be bound on one interface only.
        let isIPv4 = group.family == AF_INET
        let all = SocketAddress(host: .anyIPv6, port: group.port)
        let socket = try DatagramSocket.make(isIPv4 ? group : all, isShared: true)
        let (level, option) =
            isIPv4 ? (IPPROTO_IP, millrace_IP_MULTICAST_ALL) : (IPPROTO_IPV6, millrace_IPV6_MULTICAST_ALL)
        try System.setOption(socket.rawValue, CInt(level), CInt(option), 0)
        for interface in interfaces { DatagramSocket.join(socket.rawValue, group.host, interface) }
        family = group.family
        self.socket = socket
    }

    public var descriptor: CInt { socket.rawValue }

    /// Sends one datagram out of an interface (for a group), or by the routes. Losses are no errors.
    public func send(_ bytes: [UInt8], to address: SocketAddress, by interface: LinkInterface? = nil) {
        if let interface { use(interface) }
        _ = System.outcome("sendto") {
            address.withSystemForm { form, length in
                sendto(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL), form, length)
            }
        }
    }

    /// The next datagram and who sent it; nil when there is none. One that does not fit is cut.
    public func receive(into buffer: UnsafeMutableRawBufferPointer) -> (byteCount: Int, from: SocketAddress)? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let (count, code) = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { form in
                System.outcome("recvfrom") {
                    recvfrom(descriptor, buffer.baseAddress, buffer.count, 0, form, &length)
                }
            }
        }
        guard code == 0, let address = SocketAddress(storage) else { return nil }
        return (count, address)
    }

    private static func make(_ address: SocketAddress, isShared: Bool = false) throws(SystemError) -> Descriptor {
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = Descriptor(
            try System.check("socket") { Glibc.socket(address.family, kind, CInt(IPPROTO_UDP)) })
        if address.family == AF_INET6 {
            try System.setOption(socket.rawValue, CInt(IPPROTO_IPV6), IPV6_V6ONLY, 1)
        }
        if isShared { try System.setOption(socket.rawValue, SOL_SOCKET, SO_REUSEADDR, 1) }
        try System.check("bind", "\(address)") { address.withSystemForm { Glibc.bind(socket.rawValue, $0, $1) } }
        return socket
    }

    /// An interface that can't is as good as one that is not there.
    private static func join(_ socket: CInt, _ group: SocketAddress.Host, _ interface: LinkInterface) {
        switch group {
        case .v4(let bits):
            var request = ip_mreqn()
            request.imr_multiaddr.s_addr = bits.bigEndian
            request.imr_ifindex = CInt(interface.number)
            set(socket, CInt(IPPROTO_IP), CInt(IP_ADD_MEMBERSHIP), request)
        case .v6(let high, let low, _):
            var request = ipv6_mreq()
            request.ipv6mr_multiaddr = in6_addr(high: high, low: low)
            request.ipv6mr_interface = interface.number
            set(socket, CInt(IPPROTO_IPV6), CInt(IPV6_JOIN_GROUP), request)
        }
    }

    /// What is sent to a group leaves there.
    private func use(_ interface: LinkInterface) {
        if family == AF_INET {
            var request = ip_mreqn()
            request.imr_ifindex = CInt(interface.number)
            DatagramSocket.set(descriptor, CInt(IPPROTO_IP), CInt(IP_MULTICAST_IF), request)
        } else {
            DatagramSocket.set(descriptor, CInt(IPPROTO_IPV6), CInt(IPV6_MULTICAST_IF), CInt(interface.number))
        }
    }

    private static func set<Value>(_ socket: CInt, _ level: CInt, _ option: CInt, _ value: Value) {
        withUnsafeBytes(of: value) { bytes in
            _ = System.outcome("setsockopt") {
                setsockopt(socket, level, option, bytes.baseAddress, socklen_t(bytes.count))
            }
        }
    }
}
