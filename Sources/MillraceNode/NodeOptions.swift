import MillraceIO
import MillraceStore
import MillraceWire

/// A host and port as a person writes them: `9000`, `host:9000`, `[::1]:9000`.
public struct Endpoint: Sendable, Equatable, CustomStringConvertible {
    /// Nil for a bare port: this machine.
    public let host: String?
    public let port: UInt16

    public init(host: String?, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads the form people write; nil if it is none.
    public init?(_ text: String) {
        let host: String?
        let digits: Substring
        if let colon = text.lastIndex(of: ":") {
            var name = text[..<colon]
            if name.hasPrefix("["), name.hasSuffix("]") {
                name = name.dropFirst().dropLast()
            } else if name.contains(":") {
                return nil
            }
            guard !name.isEmpty, !name.contains("["), !name.contains("]") else { return nil }
            host = String(name)
            digits = text[text.index(after: colon)...]
        } else {
            host = nil
            digits = text[...]
        }
        guard digits.allSatisfy(\.isNumber), let port = UInt16(digits), port > 0 else { return nil }
        self.init(host: host, port: port)
    }

    public var description: String {
        guard let host else { return "\(port)" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// What owner and peer have in common.
public struct CommonOptions: Sendable {
    public var folder: String
    public var storeKind = StoreKind.chunks
    public var transport: TransportKind?
    /// The most to send, and to take, in a second over all connections together, protocol included; nil for no limit.
    /// Rates below `smallestRate` are raised to it.
    public var sendBytesPerSecond: UInt64?
    public var receiveBytesPerSecond: UInt64?
    /// How long to go on after everything is done, for those who come late.
    public var lingerSeconds: Double = 30
    /// How long to wait for anything to happen before the run ends; 0 waits for ever.
    public var timeoutSeconds: Double = 300
    public var contentID: Digest?
    public var log = LogOptions()

    /// The least rate limit, bytes per second: with less a chunk of the usual size would outlast every time-out.
    public static let smallestRate: UInt64 = 10_000

    public init(folder: String) {
        self.folder = folder
    }
}

public struct OwnerOptions: Sendable {
    public var listen: Endpoint
    public var file: String
    public var chunkByteCount = WireLimits.defaultChunkByteCount
    /// Leave once this many peers have verified the file; nil to leave when all that came have, and nobody comes for
    /// the linger time.
    public var peerCount: Int?
    /// Answer those on the link who look for owners.
    public var isAnnounced = false
    public var common: CommonOptions

    public init(listen: Endpoint, file: String, common: CommonOptions) {
        self.listen = listen
        self.file = file
        self.common = common
    }
}

public struct PeerOptions: Sendable {
    public var owner: Endpoint
    public var listen: Endpoint
    public var neighbour: Endpoint?
    public var output: String?
    public var ringOnly = false
    public var common: CommonOptions

    public init(owner: Endpoint, listen: Endpoint, common: CommonOptions) {
        self.owner = owner
        self.listen = listen
        self.common = common
    }
}
