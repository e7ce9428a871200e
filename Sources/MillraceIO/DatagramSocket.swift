import CLiburing
import Glibc

/// A UDP socket over IPv4 for a multicast group on the link, non-blocking. Closed when its owner goes away.
public struct DatagramSocket: ~Copyable, Sendable {
    private let socket: Descriptor

    /// A socket for questions and answers to single addresses, bound to one address of this machine or, with 0, to all.
    public init(boundTo bits: UInt32) throws(SystemError) {
        let socket = try DatagramSocket.make()
        try DatagramSocket.bind(socket.rawValue, SocketAddress(host: .v4(bits), port: 0))
        // Nothing goes beyond the link.
        try System.setOption(socket.rawValue, CInt(IPPROTO_IP), CInt(IP_MULTICAST_TTL), 1)
        self.socket = socket
    }

    /// A socket that hears what is sent to a group on the interfaces given; several processes may have one.
    public init(group: UInt32, port: UInt16, on interfaces: [LinkInterface]) throws(SystemError) {
        let socket = try DatagramSocket.make()
        try System.setOption(socket.rawValue, SOL_SOCKET, SO_REUSEADDR, 1)
        // The group's address takes only what is meant for the group.
        try DatagramSocket.bind(socket.rawValue, SocketAddress(host: .v4(group), port: port))
        try System.setOption(socket.rawValue, CInt(IPPROTO_IP), CInt(millrace_IP_MULTICAST_ALL), 0)
        for interface in interfaces {
            var request = ip_mreqn()
            request.imr_multiaddr.s_addr = group.bigEndian
            request.imr_ifindex = CInt(interface.number)
            let size = socklen_t(MemoryLayout<ip_mreqn>.size)
            // An interface that can't is as good as one that is not there.
            _ = System.outcome("setsockopt") {
                setsockopt(socket.rawValue, CInt(IPPROTO_IP), CInt(IP_ADD_MEMBERSHIP), &request, size)
            }
        }
        self.socket = socket
    }

    public var descriptor: CInt { socket.rawValue }

    /// Sends one datagram out of an interface (for a group), or by the routes. Losses are no errors.
    public func send(_ bytes: [UInt8], to address: SocketAddress, by interface: LinkInterface? = nil) {
        if let interface {
            var request = ip_mreqn()
            request.imr_ifindex = CInt(interface.number)
            let size = socklen_t(MemoryLayout<ip_mreqn>.size)
            _ = System.outcome("setsockopt") {
                setsockopt(descriptor, CInt(IPPROTO_IP), CInt(IP_MULTICAST_IF), &request, size)
            }
        }
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

    private static func make() throws(SystemError) -> Descriptor {
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        return Descriptor(try System.check("socket") { Glibc.socket(AF_INET, kind, CInt(IPPROTO_UDP)) })
    }

    private static func bind(_ socket: CInt, _ address: SocketAddress) throws(SystemError) {
        try System.check("bind", "\(address)") { address.withSystemForm { Glibc.bind(socket, $0, $1) } }
    }
}

/// A network interface of this machine that is up and has an IPv4 address.
public struct LinkInterface: Sendable, Equatable {
    public let number: UInt32
    public let name: String
    /// In host order.
    public let address: UInt32

    /// All of them, loopback too, each once, in the system's order.
    public static func all() -> [LinkInterface] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard System.outcome("getifaddrs", { getifaddrs(&list) }).1 == 0 else { return [] }
        defer { freeifaddrs(list) }
        var result: [LinkInterface] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let form = entry.ifa_addr, form.pointee.sa_family == sa_family_t(AF_INET),
                entry.ifa_flags & CUnsignedInt(IFF_UP) != 0
            else { continue }
            let bits = form.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                UInt32(bigEndian: $0.pointee.sin_addr.s_addr)
            }
            let number = if_nametoindex(entry.ifa_name)
            guard number > 0, !result.contains(where: { $0.number == number }) else { continue }
            result.append(LinkInterface(number: number, name: String(cString: entry.ifa_name), address: bits))
        }
        return result
    }
}
