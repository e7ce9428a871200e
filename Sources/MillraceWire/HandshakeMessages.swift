public enum NodeRole: UInt8, Sendable, Equatable {
    case owner = 0
    case peer = 1
}

/// The first frame in each direction. The node that connected speaks first.
public struct HelloMessage: Sendable, Equatable {
    public var versionLow: UInt16
    public var versionHigh: UInt16
    /// Feature bits both sides know are on; version 1 has none.
    public var features: UInt64
    public var role: NodeRole
    /// The swarm the sender is in, or `unknown` from a peer that has not met its owner yet.
    public var swarm: NodeToken
    public var node: NodeToken

    public init(
        role: NodeRole, swarm: NodeToken, node: NodeToken, features: UInt64 = 0,
        versionLow: UInt16 = WireLimits.oldestVersion, versionHigh: UInt16 = WireLimits.newestVersion
    ) {
        self.role = role
        self.swarm = swarm
        self.node = node
        self.features = features
        self.versionLow = versionLow
        self.versionHigh = versionHigh
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: WireLimits.magic)
        bytes.appendInteger(versionLow)
        bytes.appendInteger(versionHigh)
        bytes.appendInteger(features)
        bytes.append(role.rawValue)
        bytes.append(contentsOf: [0, 0, 0])
        for token in [swarm, node] {
            bytes.appendInteger(token.high)
            bytes.appendInteger(token.low)
        }
    }

    static func decode(_ bytes: RawSpan) throws(WireError) -> HelloMessage {
        var reader = FieldReader(bytes, of: .hello)
        guard try reader.array(WireLimits.magic.count) == WireLimits.magic else { throw .badMagic }
        let low = try reader.integer(UInt16.self)
        let high = try reader.integer(UInt16.self)
        guard low <= high, low <= WireLimits.newestVersion, high >= WireLimits.oldestVersion else {
            throw .versionMismatch(low: low, high: high)
        }
        let features = try reader.integer(UInt64.self)
        guard let role = NodeRole(rawValue: try reader.integer(UInt8.self)) else {
            throw .badField(.hello, field: "role")
        }
        _ = try reader.array(3)
        let swarm = try reader.token()
        let node = try reader.token()
        guard node != .unknown else { throw .badField(.hello, field: "node token") }
        return HelloMessage(
            role: role, swarm: swarm, node: node, features: features, versionLow: low, versionHigh: high)
    }
}

/// A peer's second frame to the owner: where it listens and whom its user named as its download neighbour.
public struct JoinMessage: Sendable, Equatable {
    public var listenPort: UInt16
    /// The peer keeps to its two neighbours on the ring and wants no chords.
    public var ringOnly: Bool
    /// The address other nodes shall use; `none` for the one the owner sees.
    public var advertised: PeerAddress
    /// The download neighbour its user gave; `none` if the owner shall name one.
    public var neighbour: PeerAddress

    static let byteCount = 4 + 2 * PeerAddress.byteCount

    public init(
        listenPort: UInt16, ringOnly: Bool = false, advertised: PeerAddress = .none, neighbour: PeerAddress = .none
    ) {
        self.listenPort = listenPort
        self.ringOnly = ringOnly
        self.advertised = advertised
        self.neighbour = neighbour
    }

    func append(to bytes: inout [UInt8]) {
        bytes.appendInteger(listenPort)
        bytes.appendInteger(UInt16(ringOnly ? 1 : 0))
        advertised.append(to: &bytes)
        neighbour.append(to: &bytes)
    }

    static func decode(_ bytes: RawSpan) throws(WireError) -> JoinMessage {
        var reader = FieldReader(bytes, of: .join)
        let port = try reader.integer(UInt16.self)
        let flags = try reader.integer(UInt16.self)
        guard port != 0 else { throw .badField(.join, field: "listening port") }
        guard flags <= 1 else { throw .badField(.join, field: "flags") }
        let advertised = try reader.address(of: .join)
        let neighbour = try reader.address(of: .join)
        try reader.end()
        return JoinMessage(listenPort: port, ringOnly: flags == 1, advertised: advertised, neighbour: neighbour)
    }
}

/// The owner's answer to a join: who the peer is from now on and what there is to fetch.
public struct WelcomeMessage: Sendable, Equatable {
    public var peer: PeerIndex
    public var layout: ChunkLayout
    /// A suggestion only; a receiver checks it before it becomes a file name.
    public var name: String

    static let fixedByteCount = 17

    public init(peer: PeerIndex, layout: ChunkLayout, name: String) {
        precondition(name.utf8.count <= WireLimits.largestNameByteCount)
        self.peer = peer
        self.layout = layout
        self.name = name
    }

    func append(to bytes: inout [UInt8]) {
        bytes.appendInteger(peer)
        bytes.appendInteger(layout.chunkByteCount)
        bytes.appendInteger(layout.fileByteCount)
        bytes.append(UInt8(name.utf8.count))
        bytes.append(contentsOf: name.utf8)
    }

    static func decode(_ bytes: RawSpan) throws(WireError) -> WelcomeMessage {
        var reader = FieldReader(bytes, of: .welcome)
        let peer = try reader.integer(UInt32.self)
        guard peer < WireLimits.largestPeerCount else { throw .badField(.welcome, field: "peer index") }
        let chunkByteCount = try reader.integer(UInt32.self)
        let fileByteCount = try reader.integer(UInt64.self)
        let nameByteCount = try reader.integer(UInt8.self)
        let name = try reader.text(Int(nameByteCount), field: "name")
        try reader.end()
        do {
            let layout = try ChunkLayout(fileByteCount: fileByteCount, chunkByteCount: chunkByteCount)
            return WelcomeMessage(peer: peer, layout: layout, name: name)
        } catch {
            throw .badField(.welcome, field: "size")
        }
    }
}

extension FieldReader {
    mutating func token() throws(WireError) -> NodeToken {
        NodeToken(high: try integer(UInt64.self), low: try integer(UInt64.self))
    }
}
