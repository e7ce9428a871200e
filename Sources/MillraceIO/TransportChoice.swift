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
    public static func choose(_ wanted: TransportKind?) -> (kind: TransportKind, reason: String) {
        switch wanted {
        case nil:
            (.sendfile, "the fastest by measurement" + (uringFault.map { "; io_uring can't be used: \($0)" } ?? ""))
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

    /// A transport for one connection.
    public static func make(_ kind: TransportKind) throws(SystemError) -> any Transport {
        switch kind {
        case .uring: UringTransport()
        case .sendfile: SendfileTransport()
        case .copy: CopyTransport()
        }
    }
}
