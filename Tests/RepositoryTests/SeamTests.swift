import Testing

/// Every call into the system that can fail goes through `System`, where it is retried, named, and made to fail by
/// tests. Advice to the system is none of them: nothing depends on it.
struct SeamTests {
    private static let calls = [
        "open", "openat", "pread", "preadv", "pwrite", "pwritev", "read", "readv", "write", "writev", "recv", "recvmsg",
        "send", "sendmsg", "sendfile", "splice", "ftruncate", "fallocate", "fsync", "fdatasync", "sync_file_range",
        "linkat", "link", "mkdir", "rmdir", "stat", "fstat", "lstat", "statfs", "fstatfs", "statvfs", "rename",
        "renameat2", "unlink", "lseek", "flock", "ioctl", "copy_file_range", "opendir", "readdir", "socket", "bind",
        "listen", "accept4", "connect", "shutdown", "setsockopt", "getsockopt", "getsockname", "ppoll", "eventfd",
        "signalfd", "getaddrinfo", "getrandom", "pthread_create", "mmap", "io_uring_queue_init",
        "io_uring_submit_and_wait", "io_uring_submit", "io_uring_wait_cqe", "setrlimit", "getrlimit",
    ]
    private static let seam = ["outcome(", "check(", "attempt(", "checkRing(", "try address("]

    /// The system call on a line, if there is one by itself or by its module's name.
    private static func call(in line: String) -> String? {
        let names = line.code.matches(of: /(?:^|[^.\w]|Glibc\.)([a-z_0-9]+)\((?!\))/).map { String($0.1) }
        // Declarations, cases, and functions of ours that have the name of a call.
        let isOurs = line.contains("func ") || line.contains("case ") || line.contains(", at: ")
        return isOurs ? nil : names.first { calls.contains($0) }
    }

    @Test func everySystemCallGoesThroughTheSeam() {
        var count = 0
        for file in Repository.sources where file.target == "MillraceIO" && !file.path.contains("FaultInjection") {
            for (number, line) in file.lines.enumerated() {
                guard let call = Self.call(in: line) else { continue }
                let near = file.lines[max(0, number - 6)...number]
                count += 1
                #expect(
                    near.contains { line in Self.seam.contains { line.contains($0) } },
                    "\(file.path):\(number + 1) calls \(call) past System")
            }
        }
        #expect(count > 40)
    }

    @Test func nobodyElseCallsTheSystem() {
        for file in Repository.sources where !["MillraceIO", "CLiburing", "CLibcrypto"].contains(file.target) {
            for line in file.lines where line.contains("Glibc") && line.code.contains(/\bGlibc\b/) {
                Issue.record("\(file.path) names Glibc")
            }
        }
    }
}
