#if DEBUG
    import Glibc
    import Synchronization

    /// Makes a system call fail on purpose, to see what becomes of it. In debug builds alone, which the tests are made
    /// of: a release build has neither the branch nor this file. Driven by the environment, so that whole processes can
    /// be tried with their real exit codes: `MILLRACE_FAULT=KIND:n` makes the n-th call that can fail in this way fail,
    /// `KIND:n+` every one from the n-th on. `Scripts/faults.sh` does that for n = 1, 2, ... until none fails any more.
    enum FaultInjection {
        enum Kind: String, CaseIterable {
            case EIO, ENOSPC, EMFILE, ECONNRESET, EPIPE, EINTR, EAGAIN, THREAD, SHORT

            /// What the call returns; 0 for one that does less than it was asked for.
            var code: CInt {
                switch self {
                case .EIO: Glibc.EIO
                case .ENOSPC: Glibc.ENOSPC
                case .EMFILE: Glibc.EMFILE
                case .ECONNRESET: Glibc.ECONNRESET
                case .EPIPE: Glibc.EPIPE
                case .EINTR: Glibc.EINTR
                case .EAGAIN, .THREAD: Glibc.EAGAIN
                case .SHORT: 0
                }
            }

            /// The calls that the manual says can fail like this; nil for all.
            var calls: [String]? {
                switch self {
                case .EIO:
                    [
                        "open", "creat", "openat", "pread", "pwrite", "pwritev", "write", "ftruncate", "fallocate",
                        "fsync", "linkat", "link", "mkdir", "stat", "fstat", "lstat", "fstatfs", "statvfs", "rename",
                        "renameat2", "unlink", "lseek", "opendir", "readdir", "sendfile", "io_uring_enter",
                    ]
                case .ENOSPC:
                    [
                        "creat", "pwrite", "pwritev", "write", "ftruncate", "fallocate", "fsync", "linkat", "link",
                        "mkdir", "rename", "renameat2",
                    ]
                case .EMFILE:
                    [
                        "open", "creat", "openat", "socket", "accept4", "eventfd", "signalfd", "opendir", "getaddrinfo",
                        "io_uring_setup",
                    ]
                case .ECONNRESET: ["recv", "readv", "send", "sendmsg", "sendfile", "connect"]
                case .EPIPE: ["send", "sendmsg", "sendfile"]
                case .EINTR: nil
                case .EAGAIN: ["recv", "readv", "send", "sendmsg", "sendfile", "accept4"]
                case .THREAD: ["pthread_create"]
                case .SHORT: ["recv", "readv", "send", "sendfile", "pread", "pwrite", "write"]
                }
            }
        }

        private struct Plan: Sendable {
            let kind: Kind
            let number: Int
            let goesOn: Bool

            init?(_ text: String) {
                let goesOn = text.hasSuffix("+")
                let parts = text.dropLast(goesOn ? 1 : 0).split(separator: ":")
                guard parts.count == 2, let kind = Kind(rawValue: String(parts[0])), let number = Int(parts[1]) else {
                    preconditionFailure("MILLRACE_FAULT is KIND:NUMBER, + behind it for all from there on: \(text)")
                }
                (self.kind, self.number, self.goesOn) = (kind, number, goesOn)
            }
        }

        private static let plan = getenv("MILLRACE_FAULT").flatMap { Plan(String(cString: $0)) }
        private static let count = Atomic(0)

        /// The error number this call shall fail with, 0 for none.
        static func code(of call: StaticString) -> CInt {
            guard let plan, plan.kind != .SHORT, isDue(call, plan) else { return 0 }
            return plan.kind.code
        }

        /// Whether this call shall do less than it was asked for.
        static func isShort(_ call: StaticString) -> Bool {
            guard let plan, plan.kind == .SHORT else { return false }
            return isDue(call, plan)
        }

        private static func isDue(_ call: StaticString, _ plan: Plan) -> Bool {
            let name = "\(call)"
            if let calls = plan.kind.calls, !calls.contains(name) { return false }
            let number = count.add(1, ordering: .relaxed).newValue
            guard number == plan.number || plan.goesOn && number > plan.number else { return false }
            let line = Array("fault: \(plan.kind) at call \(number), \(name)\n".utf8)
            _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
            return true
        }
    }
#endif
