import CLiburing
import Glibc

extension System {
    static func streamSocket(family: CInt, _ subject: String) throws(SystemError) -> Descriptor {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        return Descriptor(try check("socket", subject) { socket(family, kind, CInt(IPPROTO_TCP)) })
    }

    static func setOption(_ socket: CInt, _ level: CInt, _ option: CInt, _ value: CInt) throws(SystemError) {
        var value = value
        try check("setsockopt") { setsockopt(socket, level, option, &value, socklen_t(MemoryLayout<CInt>.size)) }
    }

    static func setOption(_ socket: CInt, _ level: CInt, _ option: CInt, _ text: String) throws(SystemError) {
        var text = text
        let (_, code) = text.withUTF8 { bytes in
            outcome("setsockopt") { setsockopt(socket, level, option, bytes.baseAddress, socklen_t(bytes.count)) }
        }
        guard code == 0 else { throw SystemError(call: "setsockopt", errno: code) }
    }

    static func option(of socket: CInt, _ level: CInt, _ option: CInt) throws(SystemError) -> CInt {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        try check("getsockopt") { getsockopt(socket, level, option, &value, &length) }
        return value
    }

    /// One number of an option that is a structure; nil where the kernel's is shorter.
    static func option(
        of socket: CInt, _ level: CInt, _ option: CInt, at offset: Int
    ) throws(SystemError) -> UInt32? {
        let size = offset + MemoryLayout<UInt32>.size
        var length = socklen_t(size)
        var number: UInt32?
        let (_, code) = withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { buffer in
            let outcome = outcome("getsockopt") { getsockopt(socket, level, option, buffer.baseAddress, &length) }
            if length == size { number = buffer.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
            return outcome
        }
        guard code == 0 else { throw SystemError(call: "getsockopt", errno: code) }
        return number
    }

    /// The error that waits on a socket, 0 for none; taking it clears it.
    static func pendingError(of socket: CInt) throws(SystemError) -> CInt {
        try option(of: socket, SOL_SOCKET, SO_ERROR)
    }

    static func localAddress(of socket: CInt) throws(SystemError) -> SocketAddress {
        try address("getsockname") { getsockname(socket, $0, $1) }
    }

    private static func address(
        _ call: StaticString, _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
    ) throws(SystemError) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let (_, code) = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { form in
                outcome(call) { body(form, &length) }
            }
        }
        guard code == 0 else { throw SystemError(call: "\(call)", errno: code) }
        guard let address = SocketAddress(storage) else { throw SystemError(call: "\(call)", errno: EAFNOSUPPORT) }
        return address
    }
}
