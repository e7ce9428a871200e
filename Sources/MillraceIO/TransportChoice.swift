/// Which transport a process uses on which connections, and why.
public struct TransportChoice: Sendable {
    /// Where the other side is another machine.
    public let kind: TransportKind
    /// Where it is this one.
    public let localKind: TransportKind
    public let reason: String

    init(_ kind: TransportKind, local localKind: TransportKind? = nil, _ reason: String) {
        self.kind = kind
        self.localKind = localKind ?? kind
        self.reason = reason
    }

    /// Why io_uring can't be used; nil when it can. Probed once a process: containers often forbid it.
    private static let uringFault: String? = {
        do throws(SystemError) {
            let ring = try Ring(entryCount: 2)
            return ring.canOpen ? nil : "this kernel's io_uring opens no files"
        } catch {
            return "\(error)"
        }
    }()

    /// The transports for what the user asked for (nil: the fastest that work here), and the reason in words.
    /// Documentation/io.md has the measurements behind it.
    public static func choose(_ wanted: TransportKind?, forChunkFiles: Bool) -> TransportChoice {
        switch wanted {
        case nil where forChunkFiles: choose(ringFault: uringFault)
        case nil: TransportChoice(.sendfile, local: .copy, "the fastest for one flat file")
        case .uring:
            if let fault = uringFault {
                TransportChoice(.sendfile, "io_uring was asked for and can't be used: \(fault)")
            } else {
                TransportChoice(.uring, "asked for")
            }
        case .sendfile: TransportChoice(.sendfile, "asked for")
        case .copy: TransportChoice(.copy, "asked for")
        }
    }

    /// For chunk files: many files are opened with one call where the kernel lets us.
    static func choose(ringFault: String?) -> TransportChoice {
        if let ringFault { return TransportChoice(.sendfile, "io_uring can't be used: \(ringFault)") }
        return TransportChoice(.uring, "the fastest for chunk files")
    }

    /// A transport for one connection.
    public func transport(for socket: borrowing Socket) throws(SystemError) -> any Transport {
        try TransportChoice.make(socket.isLocal ? localKind : kind)
    }

    /// A transport of one kind.
    public static func make(_ kind: TransportKind) throws(SystemError) -> any Transport {
        switch kind {
        case .uring: UringTransport()
        case .sendfile: SendfileTransport()
        case .copy: CopyTransport()
        }
    }
}

extension TransportChoice: CustomStringConvertible {
    /// `sendfile`, or `sendfile/copy` where the second is for this machine itself.
    public var name: String {
        localKind == kind ? kind.rawValue : "\(kind.rawValue)/\(localKind.rawValue)"
    }

    /// `sendfile (the fastest for one flat file; copy to this machine itself)`.
    public var description: String {
        let local = localKind == kind ? "" : "; \(localKind.rawValue) to this machine itself"
        return "\(kind.rawValue) (\(reason)\(local))"
    }
}
