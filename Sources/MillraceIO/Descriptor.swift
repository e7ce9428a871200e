import Glibc

/// A file descriptor that is closed when its owner goes away.
public struct Descriptor: ~Copyable, Sendable {
    public let rawValue: CInt

    /// Takes over an open descriptor.
    public init(_ rawValue: CInt) {
        precondition(rawValue >= 0, "descriptor \(rawValue)")
        self.rawValue = rawValue
    }

    deinit {
        // Linux frees the number even when close reports an error or EINTR: a second try could hit another file.
        _ = close(rawValue)
    }
}
