import CLiburing
import Glibc

/// Ends another thread's wait (eventfd(2)). Signals that come before the drain count as one.
public final class WakeUp: Sendable {
    private let event: Descriptor

    public init() throws(SystemError) {
        event = Descriptor(
            try System.check("eventfd") { eventfd(0, CInt(millrace_EFD_CLOEXEC | millrace_EFD_NONBLOCK)) })
    }

    public var descriptor: CInt { event.rawValue }

    /// Safe in a signal handler and from any thread.
    public func signal() {
        var one: UInt64 = 1
        // EAGAIN means that a signal is pending already.
        _ = System.outcome("eventfd_write") { write(event.rawValue, &one, 8) }
    }

    /// Takes pending signals away.
    public func drain() {
        var count: UInt64 = 0
        _ = System.outcome("eventfd_read") { read(event.rawValue, &count, 8) }
    }
}
