/// Sixteen random bytes: a swarm's name for one run of its owner, or a node's own, so that a peer which reconnects
/// is known to be the same one and a node knows itself when it meets itself.
public struct NodeToken: Sendable, Hashable {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public static let unknown = NodeToken(high: 0, low: 0)

    /// A new one from the system's random numbers.
    public static func random() -> NodeToken {
        NodeToken(high: .random(in: 1...UInt64.max), low: .random(in: 1...UInt64.max))
    }
}
