import CLiburing
import Glibc

/// SIGINT, SIGTERM and SIGHUP as a descriptor that becomes readable (signalfd(2)), so that a wait point sees them as
/// it sees everything else.
public struct Interrupts: ~Copyable {
    private let signals: Descriptor

    /// Blocks the signals for this thread and those it makes; call it before any thread starts.
    public init() throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, signal) }
        let code = pthread_sigmask(SIG_BLOCK, &set, nil)
        guard code == 0 else { throw SystemError(call: "pthread_sigmask", errno: code) }
        signal(SIGPIPE, SIG_IGN)
        signals = Descriptor(
            try System.check("signalfd") {
                signalfd(-1, &set, CInt(millrace_EFD_CLOEXEC | millrace_EFD_NONBLOCK))
            })
    }

    /// Readable once a signal has come.
    public var descriptor: CInt { signals.rawValue }
}
