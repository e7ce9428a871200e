import CLiburing
import Glibc

/// A system call that failed: its name, the error number and what it was applied to.
public struct SystemError: Error, Sendable, Equatable {
    public let call: String
    public let errno: CInt
    /// The path or address, where there is one.
    public let subject: String?

    public init(call: String, errno: CInt, subject: String? = nil) {
        self.call = call
        self.errno = errno
        self.subject = subject
    }

    /// A file is not what was written to it (EIO).
    package static func damaged(_ call: String, _ path: String) -> SystemError {
        SystemError(call: call, errno: EIO, subject: path)
    }

    /// The name is taken already.
    public var isTaken: Bool { errno == EEXIST }

    /// The file system or the user's quota is full.
    public var isNoSpace: Bool { errno == ENOSPC || errno == EDQUOT }

    /// The other side or the way to it is gone; the same call may succeed on another connection.
    public var isConnectionLoss: Bool {
        switch errno {
        case ECONNRESET, EPIPE, ETIMEDOUT, ECONNREFUSED, ECONNABORTED, EHOSTUNREACH, EHOSTDOWN, ENETUNREACH, ENETDOWN,
            ENETRESET, ENOTCONN, ESHUTDOWN, EADDRNOTAVAIL, EPROTO:
            true
        default: false
        }
    }
}

extension SystemError: CustomStringConvertible {
    /// In one line: `open /x/y: No such file or directory`.
    public var description: String {
        let name = subject.map { "\(call) \($0)" } ?? call
        return "\(name): \(SystemError.text(of: errno))"
    }

    static func text(of code: CInt) -> String {
        // strerrordesc_np, unlike strerror, is safe in any thread and speaks one language.
        strerrordesc_np(code).map { String(cString: $0) } ?? "error \(code)"
    }
}
