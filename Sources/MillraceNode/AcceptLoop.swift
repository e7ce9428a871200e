import MillraceIO
import Synchronization

/// The thread that accepts: one thread a connection, up to a limit.
enum AcceptLoop {
    /// Looks at `isOver` at least this often; a connection wakes it at once.
    private static let lookNanoseconds: UInt64 = 500_000_000

    static func run(
        _ listener: borrowing Listener, isOver: () -> Bool, limit: Int, count: borrowing Atomic<Int>,
        serve: @escaping @Sendable (consuming Socket) -> Void
    ) {
        while !isOver() {
            let now = MonotonicClock.nowNanoseconds
            guard
                let ready = try? WaitPoint.wait(
                    socket: listener.descriptor, forReading: true, forWriting: false, wake: nil,
                    untilNanoseconds: now + lookNanoseconds)
            else { return }
            guard ready.contains(.readable) else { continue }
            do throws(SystemError) {
                while let socket = try listener.accept() {
                    // Over the limit the socket closes at once, which frees its descriptor.
                    guard count.load(ordering: .relaxed) < limit else { continue }
                    let box = SocketBox(socket)
                    _ = try WorkerThread.start(name: "client") { serve(box.take()) }
                }
            } catch {
                // Out of descriptors or threads: the ones in use will end; until then nobody new is served.
                pause()
            }
        }
    }

    private static func pause() {
        let until = MonotonicClock.nowNanoseconds + NodeLimits.firstRetryNanoseconds
        _ = try? WaitPoint.wait(socket: -1, forReading: false, forWriting: false, wake: nil, untilNanoseconds: until)
    }
}

/// Carries a socket, which can't be copied, into the closure of its thread.
package final class SocketBox: Sendable {
    private let socket: Lock<Socket?>

    package init(_ socket: consuming Socket) {
        self.socket = Lock(consume socket)
    }

    package func take() -> Socket {
        let socket = socket.withLock { $0.take() }
        guard let socket else { preconditionFailure("a socket is taken once") }
        return socket
    }
}
