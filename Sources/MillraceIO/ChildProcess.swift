import Glibc

/// A process this one has started, with its own standard streams. It goes on when this one ends, unless it is told to
/// end before.
public final class ChildProcess: Sendable {
    private let number: pid_t
    /// Its exit code once that was asked for.
    private let ended = Lock<Int32?>(nil)

    private init(_ number: pid_t) {
        self.number = number
    }

    /// Runs a program with arguments (its own name not among them).
    public static func start(_ path: String, _ arguments: [String]) throws(SystemError) -> ChildProcess {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The child decides about signals itself: what this process has blocked is no concern of its.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var number = pid_t()
        let code = posix_spawn(&number, path, nil, &attributes, words, environ)
        guard code == 0 else { throw SystemError(call: "posix_spawn", errno: code, subject: path) }
        return ChildProcess(number)
    }

    /// Its exit code, or 128 and the signal's number as a shell has it; nil while it runs.
    public var exitCode: Int32? {
        ended.withLock { code in
            guard code == nil else { return code }
            var status: CInt = 0
            switch waitpid(number, &status, WNOHANG) {
            case number: code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F
            case 0: break
            default: if errno != EINTR { code = 127 }
            }
            return code
        }
    }

    /// Its number may be another process's once it has ended.
    public func signal(_ signal: CInt) {
        ended.withLock { code in
            if code == nil { kill(number, signal) }
        }
    }
}

extension ChildProcess {
    /// Waits until all have ended, and returns their exit codes; nil where `interrupt` became readable before.
    public static func wait(for children: [ChildProcess], interrupt: CInt) -> [Int32]? {
        while true {
            let codes = children.compactMap(\.exitCode)
            let isOver = codes.count == children.count
            let ready = try? WaitPoint.wait(
                socket: interrupt, forReading: true, forWriting: false, wake: nil,
                untilNanoseconds: isOver ? 0 : MonotonicClock.nowNanoseconds + lookNanoseconds)
            // A terminal's Ctrl-C ends them too.
            if ready?.contains(.readable) == true { return nil }
            if isOver { return codes }
        }
    }

    /// Asks all that run to end, and kills those that have not by then.
    public static func end(_ children: [ChildProcess], withinNanoseconds nanoseconds: UInt64) {
        for child in children { child.signal(SIGTERM) }
        let deadline = MonotonicClock.nowNanoseconds + nanoseconds
        var isLate = false
        while children.contains(where: { $0.exitCode == nil }) {
            let now = MonotonicClock.nowNanoseconds
            if now >= deadline, !isLate {
                isLate = true
                for child in children { child.signal(SIGKILL) }
            }
            _ = try? WaitPoint.wait(
                socket: -1, forReading: false, forWriting: false, wake: nil, untilNanoseconds: now + lookNanoseconds)
        }
    }

    /// How often children are looked at.
    private static let lookNanoseconds: UInt64 = 10_000_000
}

/// This program's own file.
public enum Executable {
    public static var path: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX) + 1) { buffer in
            guard let base = buffer.baseAddress else { return CommandLine.arguments[0] }
            let count = readlink("/proc/self/exe", base, Int(PATH_MAX))
            guard count > 0 else { return CommandLine.arguments[0] }
            base[count] = 0
            return String(cString: base)
        }
    }
}
