import MillraceIO
import MillraceWire

extension SocketAddress {
    /// Where a roster entry is to be reached; nil if it names no address, or the owner's host before that is known.
    ///
    /// - Parameter link: the interface by which this node reaches the owner: an address of the link's own is there.
    init?(_ address: PeerAddress, owner: SocketAddress?, link: UInt32 = 0) {
        switch address.host {
        case .none: return nil
        case .ownersHost:
            guard let owner else { return nil }
            self.init(host: owner.host, port: address.port)
        case .v4(let bits): self.init(host: .v4(bits), port: address.port)
        case .v6(let high, let low):
            let host = Host.v6(high: high, low: low, scope: 0)
            self.init(host: host.isLinkLocal ? .v6(high: high, low: low, scope: link) : host, port: address.port)
        }
    }
}

extension PeerAddress {
    /// The wire form of a socket address, with another port if given.
    init(_ address: SocketAddress, port: UInt16? = nil) {
        switch address.host {
        case .v4(let bits): self.init(host: .v4(bits), port: port ?? address.port)
        case .v6(let high, let low, _): self.init(host: .v6(high: high, low: low).unmapped, port: port ?? address.port)
        }
    }

    /// As the owner keeps it: loopback means the machine that said it, which may be the owner's own.
    ///
    /// - Parameter observed: where the speaker's connection comes from.
    func normalised(saidBy observed: PeerAddress) -> PeerAddress {
        guard host.isLoopback else { return self }
        return PeerAddress(host: observed.host.isLoopback ? .ownersHost : observed.host, port: port)
    }
}
