import Glibc

/// A process this one has started and waits for. It gets this one's standard streams, and SIGTERM when this one ends.
public final class ChildProcess: Sendable {
    public let number: pid_t

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

    /// Waits until it has ended. Returns its exit code, or 128 and the signal's number as a shell does.
    public func wait() -> Int32 {
        var status: CInt = 0
        while waitpid(number, &status, 0) < 0 {
            guard errno == EINTR else { return 127 }
        }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }

    public func signal(_ signal: CInt) { kill(number, signal) }
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
