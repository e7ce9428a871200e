import Glibc

/// A network interface of this machine that is up and has an address.
public struct LinkInterface: Sendable, Equatable {
    public let number: UInt32
    public let name: String
    public private(set) var hosts: [SocketAddress.Host]

    /// All of them, loopback too, each once, in the system's order. Throws where the process may not ask.
    public static func all() throws(SystemError) -> [LinkInterface] {
        var list: UnsafeMutablePointer<ifaddrs>?
        try System.check("getifaddrs") { getifaddrs(&list) }
        defer { freeifaddrs(list) }
        var result: [LinkInterface] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard entry.ifa_flags & CUnsignedInt(IFF_UP) != 0, let host = host(entry.ifa_addr) else { continue }
            let number = if_nametoindex(entry.ifa_name)
            if let place = result.firstIndex(where: { $0.number == number }) {
                result[place].hosts.append(host)
            } else if number > 0 {
                result.append(LinkInterface(number: number, name: String(cString: entry.ifa_name), hosts: [host]))
            }
        }
        return result
    }

    /// Whether it has an address of the family of this one.
    public func speaks(likeHost host: SocketAddress.Host) -> Bool { hosts.contains { $0.isIPv6 == host.isIPv6 } }

    private static func host(_ form: UnsafeMutablePointer<sockaddr>?) -> SocketAddress.Host? {
        guard let form else { return nil }
        var storage = sockaddr_storage()
        let byteCount: Int
        switch CInt(form.pointee.sa_family) {
        case AF_INET: byteCount = MemoryLayout<sockaddr_in>.size
        case AF_INET6: byteCount = MemoryLayout<sockaddr_in6>.size
        default: return nil
        }
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: form, count: byteCount))
        }
        return SocketAddress(storage)?.host
    }
}

extension SocketAddress.Host {
    /// The number of the interface with this address of this machine; 0 where there is none.
    public var interfaceNumber: UInt32 {
        if case .v6(_, _, let scope) = self, scope != 0 { return scope }
        return (try? LinkInterface.all())?.first { $0.hosts.contains(self) }?.number ?? 0
    }
}
