import CLiburing
import Glibc

/// How many files and sockets this process may have open at a time.
public enum DescriptorLimit {
    /// Some systems have no bound, others one so high that children which close every number never end.
    private static let most: rlim_t = 1 << 20

    /// Raises the soft limit to the hard one (setrlimit(2)) and returns what is allowed now.
    @discardableResult
    public static func raise() -> Int {
        var limit = rlimit()
        guard System.outcome("getrlimit", { getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }).1 == 0
        else { return 1024 }
        let wanted = min(limit.rlim_max, most)
        if limit.rlim_cur < wanted {
            var raised = limit
            raised.rlim_cur = wanted
            let (_, code) = System.outcome("setrlimit") {
                setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised)
            }
            if code == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }
}

extension SystemError {
    /// The process or the system is out of descriptors for the moment.
    public var isDescriptorShortage: Bool { errno == EMFILE || errno == ENFILE }
}

/// One descriptor held back, so that a connection can be accepted and refused when the process is out of them: one that
/// stays in the queue would make every wait for the next end at once (the trick of libev's manual).
public struct SpareDescriptor: ~Copyable {
    private var spare: Descriptor?

    public init() { take() }

    /// Runs `body` with one descriptor more to be had.
    public mutating func lend(_ body: () -> Void) {
        spare = nil
        body()
        take()
    }

    private mutating func take() {
        spare = try? System.open("/dev/null", .readOnly)
    }
}
