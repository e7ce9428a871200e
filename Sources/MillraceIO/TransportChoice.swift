/// Which transport a process uses, and why.
public enum TransportChoice {
    /// Why io_uring can't be used; nil when it can. Probed once a process: containers often forbid it.
    private static let uringFault: String? = {
        do throws(SystemError) {
            let ring = try Ring(entryCount: 2)
            return ring.canOpen ? nil : "this kernel's io_uring opens no files"
        } catch {
            return "\(error)"
        }
    }()

    /// The transport for what the user asked for (nil: the fastest that works here), and the reason in words.
    /// Documentation/io.md has the measurements behind it.
    public static func choose(
        _ wanted: TransportKind?, forChunkFiles: Bool
    ) -> (kind: TransportKind, reason: String) {
        switch wanted {
        case nil where forChunkFiles: choose(ringFault: uringFault)
        case nil: (.sendfile, "the fastest for one flat file")
        case .uring:
            if let fault = uringFault {
                (.sendfile, "io_uring was asked for and can't be used: \(fault)")
            } else {
                (.uring, "asked for")
            }
        case .sendfile: (.sendfile, "asked for")
        case .copy: (.copy, "asked for")
        }
    }

    /// For chunk files: many files are opened with one call where the kernel lets us.
    static func choose(ringFault: String?) -> (kind: TransportKind, reason: String) {
        if let ringFault { return (.sendfile, "io_uring can't be used: \(ringFault)") }
        return (.uring, "the fastest for chunk files")
    }

    /// A transport for one connection.
    public static func make(_ kind: TransportKind) throws(SystemError) -> any Transport {
        switch kind {
        case .uring: UringTransport()
        case .sendfile: SendfileTransport()
        case .copy: CopyTransport()
        }
    }
}
