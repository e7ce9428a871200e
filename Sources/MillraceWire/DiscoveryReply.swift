/// One datagram by which an owner answers a query: where it listens and what it has. The address is the one that the
/// datagram comes from.
public struct DiscoveryReply: Sendable, Equatable {
    /// That of the query.
    public let token: UInt64
    public let listenPort: UInt16
    public let layout: ChunkLayout
    /// A suggestion only, as in a welcome.
    public let name: String
    public let swarm: NodeToken
    /// Nil while the owner is still hashing.
    public let contentID: Digest?

    public init(
        token: UInt64, listenPort: UInt16, layout: ChunkLayout, name: String, swarm: NodeToken, contentID: Digest?
    ) {
        precondition(name.utf8.count <= WireLimits.largestNameByteCount && listenPort > 0 && swarm != .unknown)
        self.token = token
        self.listenPort = listenPort
        self.layout = layout
        self.name = name
        self.swarm = swarm
        self.contentID = contentID
    }

    public var datagram: [UInt8] {
        var bytes = DiscoveryLimits.magic
        bytes.appendInteger(DiscoveryLimits.version)
        bytes.append(DiscoveryLimits.replyKind)
        bytes.append(contentID == nil ? 0 : 1)
        bytes.appendInteger(token)
        bytes.appendInteger(listenPort)
        bytes.append(0)
        bytes.append(UInt8(name.utf8.count))
        bytes.appendInteger(layout.chunkByteCount)
        bytes.appendInteger(layout.fileByteCount)
        bytes.appendInteger(swarm.high)
        bytes.appendInteger(swarm.low)
        if let contentID {
            contentID.append(to: &bytes)
        } else {
            bytes.append(contentsOf: repeatElement(0, count: WireLimits.digestByteCount))
        }
        bytes.append(contentsOf: name.utf8)
        return bytes
    }

    /// Nil for a datagram that is no reply.
    public init?(_ bytes: RawSpan) {
        let fixed = DiscoveryLimits.replyFixedByteCount
        guard bytes.byteCount >= fixed, bytes.hasDiscoveryStart(kind: DiscoveryLimits.replyKind) else { return nil }
        let (flags, port) = (bytes.discoveryByte(11), bytes.discoveryInteger(20, UInt16.self))
        let nameByteCount = Int(bytes.discoveryByte(23))
        guard flags <= 1, port > 0, bytes.discoveryByte(22) == 0, bytes.byteCount == fixed + nameByteCount,
            let layout = try? ChunkLayout(
                fileByteCount: bytes.discoveryInteger(28, UInt64.self),
                chunkByteCount: bytes.discoveryInteger(24, UInt32.self)),
            let digest = Digest(bytes.extracting(52..<84)),
            let name = String(validating: (fixed..<bytes.byteCount).map { bytes.discoveryByte($0) }, as: UTF8.self)
        else { return nil }
        let swarm = NodeToken(
            high: bytes.discoveryInteger(36, UInt64.self), low: bytes.discoveryInteger(44, UInt64.self))
        let isBlank = digest == Digest(0, 0, 0, 0)
        guard swarm != .unknown, flags == 1 || isBlank else { return nil }
        token = bytes.discoveryInteger(12, UInt64.self)
        listenPort = port
        self.layout = layout
        self.name = name
        self.swarm = swarm
        contentID = flags == 1 ? digest : nil
    }
}
