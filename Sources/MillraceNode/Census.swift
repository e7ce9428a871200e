import MillraceIO

/// Counts the connections that a node has accepted, in all and from each address. Whoever fills its own share leaves
/// the others theirs.
final class Census: Sendable {
    private struct Counts {
        var all = 0
        var byHost: [SocketAddress.Host: Int] = [:]
    }

    /// A connection's place; free again once nobody refers to it.
    final class Place: Sendable {
        private let census: Census
        private let host: SocketAddress.Host

        fileprivate init(_ census: Census, _ host: SocketAddress.Host) {
            (self.census, self.host) = (census, host)
        }

        deinit { census.leave(host) }
    }

    private let limit: Int
    private let limitPerAddress: Int
    private let counts = Lock(Counts())

    init(limit: Int = DescriptorBudget.connectionCount, perAddress: Int = NodeLimits.connectionCountPerAddress) {
        self.limit = limit
        limitPerAddress = perAddress
    }

    /// Nil where one more would be too many.
    func enter(from address: SocketAddress) -> Place? {
        let isIn = counts.withLock { counts in
            let own = counts.byHost[address.host] ?? 0
            guard counts.all < limit, own < limitPerAddress else { return false }
            counts.all += 1
            counts.byHost[address.host] = own + 1
            return true
        }
        return isIn ? Place(self, address.host) : nil
    }

    var count: Int { counts.withLock { $0.all } }

    private func leave(_ host: SocketAddress.Host) {
        counts.withLock { counts in
            counts.all -= 1
            let own = (counts.byHost[host] ?? 1) - 1
            counts.byHost[host] = own == 0 ? nil : own
        }
    }
}

/// What of the process's descriptors goes to connections.
enum DescriptorBudget {
    private static let limit = DescriptorLimit.raise()

    /// Raises the process's limit as far as it goes, once.
    static func prepare() { _ = limit }

    /// Connections that may be accepted at a time.
    static var connectionCount: Int { connectionCount(ofDescriptors: limit) }

    static func connectionCount(ofDescriptors count: Int) -> Int {
        let share = (count - NodeLimits.reservedDescriptorCount) / NodeLimits.descriptorsPerConnection
        return min(NodeLimits.connectionCount, max(NodeLimits.fewestConnectionCount, share))
    }
}
