import MillraceIO
import MillraceWire

/// Stores the chunks of one connection in a thread of its own, so that the connection's thread takes and hashes the
/// next ones meanwhile. Worth its hand-over only where that connection is the only busy one: else others fill the
/// processors.
final class WriteBehind: Sendable {
    /// A chunk that is verified, and how it came.
    struct Job: ~Copyable {
        let header: FrameHeader
        let buffer: PooledBuffer
        let began: UInt64
        let arrived: UInt64
    }

    private struct Queue: ~Copyable {
        var first: Job?
        var second: Job?
        var isBusy = false
        var isOver = false
        /// Somebody waits until all is stored.
        var isAwaited = false

        var isFull: Bool { first != nil && second != nil }
        var isEmpty: Bool { first == nil }

        mutating func append(_ job: consuming Job) {
            if first == nil { first = consume job } else { second = consume job }
        }

        mutating func next() -> Job? {
            guard let job = first.take() else { return nil }
            first = second.take()
            return job
        }
    }

    private let queue = Lock(Queue())
    private let filled: WakeUp
    private let emptied: WakeUp
    private let store: @Sendable (borrowing Job) -> Void
    private let pool: BufferPool
    private let thread = Lock<WorkerThread?>(nil)

    /// - Parameters:
    ///   - pool: where the chunks' memory goes back to.
    ///   - store: stores a chunk, and says elsewhere if it can't.
    static func start(
        _ pool: BufferPool, _ store: @escaping @Sendable (borrowing Job) -> Void
    ) throws(SystemError) -> WriteBehind {
        let writer = try WriteBehind(pool, store)
        let thread = try WorkerThread.start(name: "write") { writer.run() }
        writer.thread.withLock { $0 = thread }
        return writer
    }

    private init(_ pool: BufferPool, _ store: @escaping @Sendable (borrowing Job) -> Void) throws(SystemError) {
        self.pool = pool
        self.store = store
        filled = try WakeUp()
        emptied = try WakeUp()
    }

    /// Whether a chunk may be handed over now. Stays true until one is, where one thread hands over.
    var hasRoom: Bool { queue.withLock { !$0.isFull && !$0.isOver } }

    /// Takes a chunk; there must be room.
    func add(_ job: consuming Job) {
        var job: Job? = consume job
        let wakes = queue.withLock { queue in
            precondition(!queue.isFull && !queue.isOver, "no room for a chunk")
            if let job = job.take() { queue.append(job) }
            defer { queue.isBusy = true }
            return !queue.isBusy
        }
        if wakes { filled.signal() }
    }

    /// Returns when all chunks handed over are stored.
    func drain() {
        while true {
            let isDone = queue.withLock { queue in
                queue.isAwaited = queue.isBusy
                return !queue.isBusy
            }
            if isDone { return }
            _ = try? WaitPoint.wait(
                socket: -1, forReading: false, forWriting: false, wake: emptied, untilNanoseconds: nil)
        }
    }

    /// Stores what is left and ends the thread.
    func stop() {
        queue.withLock { $0.isOver = true }
        filled.signal()
        let thread = thread.withLock { $0.take() }
        thread?.join()
    }

    private func run() {
        while true {
            var isOver = false
            var wakes = false
            let job: Job? = queue.withLock { queue in
                if let job = queue.next() { return job }
                queue.isBusy = false
                (wakes, queue.isAwaited) = (queue.isAwaited, false)
                isOver = queue.isOver
                return nil
            }
            guard let job else {
                if wakes { emptied.signal() }
                if isOver { return }
                _ = try? WaitPoint.wait(
                    socket: -1, forReading: false, forWriting: false, wake: filled, untilNanoseconds: nil)
                continue
            }
            store(job)
            pool.give(job.take())
        }
    }
}

extension WriteBehind.Job {
    fileprivate consuming func take() -> PooledBuffer { buffer }
}
