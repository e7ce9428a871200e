import CLiburing
import Glibc

/// SIGINT, SIGTERM and SIGHUP as a descriptor that becomes readable (signalfd(2)), so that a wait point sees them as
/// it sees everything else. Those that this process was started to ignore, as by nohup(1), stay ignored.
public struct Interrupts: ~Copyable {
    private let signals: Descriptor
    private let maskBefore: sigset_t

    /// Blocks the signals for this thread and those it makes, until this goes away; call it before any thread starts.
    public init() throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        // Linux queues a blocked signal even where it is ignored.
        for signal in [SIGINT, SIGTERM, SIGHUP] where !Interrupts.isIgnored(signal) { sigaddset(&set, signal) }
        var before = sigset_t()
        let code = pthread_sigmask(SIG_BLOCK, &set, &before)
        guard code == 0 else { throw SystemError(call: "pthread_sigmask", errno: code) }
        // What they tell of, the failed write tells too: nobody reads any more, or the file may not grow (EFBIG).
        for signal in [SIGPIPE, SIGXFSZ] { Glibc.signal(signal, SIG_IGN) }
        let descriptor = try System.check("signalfd") {
            signalfd(-1, &set, CInt(millrace_EFD_CLOEXEC | millrace_EFD_NONBLOCK))
        }
        maskBefore = before
        signals = Descriptor(descriptor)
    }

    /// From then on they do again what they did before; those that have come are taken as seen.
    deinit {
        var seen = signalfd_siginfo()
        let byteCount = MemoryLayout<signalfd_siginfo>.size
        while System.outcome("read", { read(signals.rawValue, &seen, byteCount) }).1 == 0 {}
        var before = maskBefore
        pthread_sigmask(SIG_SETMASK, &before, nil)
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
