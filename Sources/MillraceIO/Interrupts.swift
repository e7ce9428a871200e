import CLiburing
import Glibc

/// SIGINT, SIGTERM and SIGHUP as a descriptor that becomes readable (signalfd(2)), so that a wait point sees them as
/// it sees everything else. Those that this process was started to ignore, as by nohup(1), stay ignored.
public struct Interrupts: ~Copyable {
    private let signals: Descriptor

    /// Blocks the signals for this thread and those it makes; call it before any thread starts.
    public init() throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        // Linux queues a blocked signal even where it is ignored.
        for signal in [SIGINT, SIGTERM, SIGHUP] where !Interrupts.isIgnored(signal) { sigaddset(&set, signal) }
        let code = pthread_sigmask(SIG_BLOCK, &set, nil)
        guard code == 0 else { throw SystemError(call: "pthread_sigmask", errno: code) }
        // What they tell of, the failed write tells too: nobody reads any more, or the file may not grow (EFBIG).
        for signal in [SIGPIPE, SIGXFSZ] { Glibc.signal(signal, SIG_IGN) }
        signals = Descriptor(
            try System.check("signalfd") {
                signalfd(-1, &set, CInt(millrace_EFD_CLOEXEC | millrace_EFD_NONBLOCK))
            })
    }

    private static func isIgnored(_ signal: CInt) -> Bool {
        var action = sigaction()
        guard sigaction(signal, nil, &action) == 0 else { return false }
        let handler = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
        return handler == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Readable once a signal has come.
    public var descriptor: CInt { signals.rawValue }
}
