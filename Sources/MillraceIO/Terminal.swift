import CLiburing
import Glibc

/// A terminal behind a descriptor.
public enum Terminal {
    public struct Size: Sendable, Equatable {
        public let columns: Int
        public let rows: Int

        public init(columns: Int, rows: Int) {
            self.columns = columns
            self.rows = rows
        }
    }

    /// The size it has now (TIOCGWINSZ); nil where the descriptor is no terminal, or one that does not know.
    public static func size(of descriptor: CInt) -> Size? {
        var (columns, rows): (CUnsignedShort, CUnsignedShort) = (0, 0)
        let (_, code) = System.outcome("ioctl") { millrace_window_size(descriptor, &columns, &rows) }
        guard code == 0, columns > 0, rows > 0 else { return nil }
        return Size(columns: Int(columns), rows: Int(rows))
    }

    /// Whether both descriptors are the same terminal: what goes to one is seen between what goes to the other.
    public static func isShared(_ first: CInt, _ second: CInt) -> Bool {
        guard Console.isTerminal(first), Console.isTerminal(second) else { return false }
        var (one, other) = (stat(), stat())
        let codes = (
            System.outcome("fstat") { fstat(first, &one) }.1, System.outcome("fstat") { fstat(second, &other) }.1
        )
        return codes == (0, 0) && one.st_rdev == other.st_rdev
    }
}

/// The process's environment.
public enum ProcessEnvironment {
    /// Nil for a variable that is not set.
    public static func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
