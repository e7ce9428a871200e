import CLiburing
import Glibc

/// An io_uring of one thread: batches of one kind, submitted and waited for together.
struct Ring: ~Copyable {
    private let memory: UnsafeMutablePointer<io_uring>

    /// The thread that makes the ring must be the one that uses it.
    init(entryCount: UInt32) throws(SystemError) {
        let memory = UnsafeMutablePointer<io_uring>.allocate(capacity: 1)
        memory.initialize(to: io_uring())
        // Completions run in the waiting call instead of interrupting the thread; Linux 6.1 and later.
        let wanted = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CLAMP
        do throws(SystemError) {
            do throws(SystemError) {
                try System.checkRing("io_uring_setup") { io_uring_queue_init(entryCount, memory, CUnsignedInt(wanted)) }
            } catch  where error.errno == EINVAL {
                try System.checkRing("io_uring_setup") { io_uring_queue_init(entryCount, memory, 0) }
            }
        } catch {
            memory.deallocate()
            throw error
        }
        self.memory = memory
    }

    deinit {
        io_uring_queue_exit(memory)
        memory.deallocate()
    }

    /// Whether the kernel opens files through the ring.
    var canOpen: Bool {
        guard let probe = io_uring_get_probe_ring(memory) else { return false }
        defer { io_uring_free_probe(probe) }
        return io_uring_opcode_supported(probe, CInt(IORING_OP_OPENAT.rawValue)) != 0
    }

    /// Opens files for reading with one call. Calls `opened` with the position of each one that could be opened.
    func open(_ paths: [String], _ opened: (Int, consuming Descriptor) -> Void) throws(SystemError) {
        let names = paths.map { strdup($0) }
        defer { for name in names { free(name) } }
        var count = 0
        for (index, name) in names.enumerated() {
            guard let name, let entry = io_uring_get_sqe(memory) else { break }
            io_uring_prep_openat(entry, AT_FDCWD, name, O_RDONLY | O_CLOEXEC, 0)
            io_uring_sqe_set_data64(entry, UInt64(index))
            count += 1
        }
        try System.checkRing("io_uring_enter") { io_uring_submit_and_wait(memory, CUnsignedInt(count)) }
        for _ in 0..<count {
            var completion: UnsafeMutablePointer<io_uring_cqe>?
            try System.checkRing("io_uring_enter") { io_uring_wait_cqe(memory, &completion) }
            guard let completion else { continue }
            let (index, result) = (
                Int(completion.pointee.user_data),
                System.completed("openat", completion.pointee.res, givesDescriptor: true)
            )
            io_uring_cqe_seen(memory, completion)
            if result >= 0 { opened(index, Descriptor(result)) }
        }
    }
}

extension System {
    /// liburing returns the negative error number instead of setting `errno`.
    @discardableResult
    static func checkRing(_ call: StaticString, _ body: () -> CInt) throws(SystemError) -> CInt {
        try check(call) {
            let result = body()
            if result < 0 { errno = -result }
            return result < 0 ? -1 : result
        }
    }
}
