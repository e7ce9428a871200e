import MillraceIO

/// How often an owner answers queries: a few at once, and no more a second than a LAN of people needs. Pure.
struct DiscoveryPace: Sendable {
    private static let burst = 20.0
    private static let perSecond = 50.0

    private var tokens = burst
    private var last: UInt64

    init(now: UInt64) { last = now }

    /// Whether one more reply may go.
    mutating func allows(at now: UInt64) -> Bool {
        let seconds = Double(now - min(now, last)) / 1e9
        last = max(last, now)
        tokens = min(DiscoveryPace.burst, tokens + seconds * DiscoveryPace.perSecond)
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
