/// One member of the swarm as others see it.
public struct RosterEntry: Sendable, Equatable {
    public let peer: PeerIndex
    public let address: PeerAddress

    static let byteCount = 4 + PeerAddress.byteCount

    public init(peer: PeerIndex, address: PeerAddress) {
        self.peer = peer
        self.address = address
    }

    func append(to bytes: inout [UInt8]) {
        bytes.appendInteger(peer)
        address.append(to: &bytes)
    }
}

/// A part of the ring in order: entries begin at position `start`; a part that starts at 0 begins the roster anew.
public struct RosterMessage: Sendable, Equatable {
    public var start: UInt32
    public var entries: [RosterEntry]
    /// How many members there are in all: the roster is complete when this many have come.
    public var total: UInt32

    public init(start: UInt32, total: UInt32, entries: [RosterEntry]) {
        self.start = start
        self.total = total
        self.entries = entries
    }
}

extension FieldReader {
    mutating func rosterEntry(of type: MessageType) throws(WireError) -> RosterEntry {
        let peer = try integer(UInt32.self)
        guard peer < WireLimits.largestPeerCount else { throw .badField(type, field: "peer index") }
        let address = try address(of: type)
        guard address.host != .none else { throw .badField(type, field: "address") }
        return RosterEntry(peer: peer, address: address)
    }

    consuming func roster() throws(WireError) -> RosterMessage {
        let start = try integer(UInt32.self)
        let total = try integer(UInt32.self)
        guard remaining % RosterEntry.byteCount == 0 else { throw .badField(.roster, field: "length") }
        guard total <= WireLimits.largestPeerCount,
            UInt64(start) + UInt64(remaining / RosterEntry.byteCount) <= UInt64(total)
        else { throw .badField(.roster, field: "count") }
        var entries: [RosterEntry] = []
        entries.reserveCapacity(remaining / RosterEntry.byteCount)
        while remaining > 0 { entries.append(try rosterEntry(of: .roster)) }
        return RosterMessage(start: start, total: total, entries: entries)
    }
}
