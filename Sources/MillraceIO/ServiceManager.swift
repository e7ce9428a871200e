import CLiburing
import Glibc

/// Tells systemd, where it started this process, how it stands: the protocol of sd_notify(3), without its library.
public struct ServiceManager: Sendable {
    private let address: SystemAddress

    /// The manager that this process's environment names; nil where there is none.
    public init?() {
        guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }) else { return nil }
        self.init(path: path)
    }

    /// - Parameter path: a socket's path, or `@` and an abstract name; nil for anything else.
    package init?(path: String) {
        guard path.hasPrefix("/") || path.hasPrefix("@"), let address = SystemAddress(path: path) else { return nil }
        self.address = address
    }

    /// Sends assignments such as `READY=1`, one a line. A manager that doesn't listen is nobody's loss.
    public func tell(_ assignments: String) {
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let (descriptor, code) = System.outcome("socket") { socket(AF_UNIX, kind, 0) }
        guard code == 0 else { return }
        let end = Descriptor(descriptor)
        let bytes = Array(assignments.utf8)
        _ = address.withSystemForm { form, length in
            System.outcome("sendto") {
                sendto(end.rawValue, bytes, bytes.count, CInt(MSG_NOSIGNAL), form, length)
            }
        }
    }
}

/// The address of a Unix socket.
struct SystemAddress: Sendable {
    private var form = sockaddr_un()
    private let byteCount: Int

    /// Nil where the path is too long for one.
    init?(path: String) {
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: form.sun_path) else { return nil }
        form.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &form.sun_path) { target in
            target.copyBytes(from: bytes)
            // An abstract name begins with a zero byte.
            if bytes.first == UInt8(ascii: "@") { target[0] = 0 }
        }
        byteCount = MemoryLayout<sa_family_t>.size + bytes.count + (bytes.first == UInt8(ascii: "@") ? 0 : 1)
    }

    func withSystemForm<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: form) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(byteCount)) }
        }
    }
}
