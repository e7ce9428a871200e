/// Which transport a process uses, and why.
public enum TransportChoice {
    /// The transport for what the user asked for (nil: the fastest that works here), and the reason in words.
    public static func choose(_ wanted: TransportKind?) -> (kind: TransportKind, reason: String) {
        switch wanted {
        case nil: (.sendfile, "fastest by measurement")
        case .uring: (.sendfile, "io_uring was asked for and is not there")
        case .sendfile, .copy: (wanted ?? .copy, "asked for")
        }
    }

    /// A transport for one connection.
    public static func make(_ kind: TransportKind) throws(SystemError) -> any Transport {
        switch kind {
        case .uring, .sendfile: SendfileTransport()
        case .copy: CopyTransport()
        }
    }
}
