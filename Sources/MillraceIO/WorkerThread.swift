import CLiburing
import Glibc
import Synchronization

/// A thread of its own with a name and a small stack. Signals that end the process go to the main thread only.
public final class WorkerThread: Sendable {
    private let thread: pthread_t
    private let isJoined = Atomic(false)

    private init(_ thread: pthread_t) { self.thread = thread }

    deinit {
        if !isJoined.load(ordering: .relaxed) { pthread_detach(thread) }
    }

    /// Starts `body` on a new thread. The name is cut to the 15 bytes that Linux keeps.
    public static func start(
        name: String, stackByteCount: Int = 256 * 1024, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) -> WorkerThread {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        var code = pthread_attr_setstacksize(&attributes, stackByteCount)
        guard code == 0 else { throw SystemError(call: "pthread_attr_setstacksize", errno: code, subject: name) }
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var thread = pthread_t()
        // A new thread takes its mask from the one that makes it, so no signal can slip in between.
        var blocked = sigset_t()
        var before = sigset_t()
        sigemptyset(&blocked)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&blocked, signal) }
        pthread_sigmask(SIG_BLOCK, &blocked, &before)
        (_, code) = System.outcome("pthread_create") {
            let code = pthread_create(&thread, &attributes, { Start.run($0) }, start.toOpaque())
            errno = code
            return code == 0 ? 0 : -1
        }
        pthread_sigmask(SIG_SETMASK, &before, nil)
        guard code == 0 else {
            start.release()
            throw SystemError(call: "pthread_create", errno: code, subject: name)
        }
        return WorkerThread(thread)
    }

    /// Tells the thread that asks from all others that run.
    public static var currentNumber: UInt { UInt(pthread_self()) }

    /// Waits until the thread has ended. Only the first call waits; a thread must not join itself.
    public func join() {
        guard !isJoined.exchange(true, ordering: .acquiringAndReleasing) else { return }
        pthread_join(thread, nil)
    }

    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }

        static func run(_ pointer: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
            guard let pointer else { return nil }
            let start = Unmanaged<Start>.fromOpaque(pointer).takeRetainedValue()
            _ = pthread_setname_np(pthread_self(), String(decoding: start.name.utf8.prefix(15), as: UTF8.self))
            start.body()
            return nil
        }
    }
}
