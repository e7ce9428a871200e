/// Watches one connection for silence.
struct Liveness {
    private let since: UInt64
    private var lastReceived: UInt64
    private var lastSent: UInt64
    private var lastPing: UInt64 = 0
    /// The other side's pings since everything that was to be sent had left.
    private var pingCount = 0

    init(now: UInt64) {
        since = now
        lastReceived = now
        lastSent = now
    }

    mutating func received(now: UInt64) { lastReceived = now }
    mutating func sent(now: UInt64) { lastSent = max(lastSent, now) }
    mutating func flushed() { pingCount = 0 }

    /// The other side asks for a sign of life. Nodes do that one at a time; a flood of it ends the connection.
    mutating func pinged() throws(ConnectionEnd) {
        pingCount += 1
        guard pingCount <= NodeLimits.pingCount else { throw .peerFault(.limitExceeded(limit: "pings")) }
    }

    /// Asks for a sign of life where it is time, ends a connection that gives none; returns when to look again.
    mutating func check(
        now: UInt64, isEstablished: Bool, ping: (UInt64) -> Void
    ) throws(ConnectionEnd) -> UInt64 {
        guard isEstablished else {
            let deadline = since + NodeLimits.handshakeNanoseconds
            if now >= deadline { throw .ended(.timedOut, "no hello and introduction in time") }
            return deadline
        }
        let last = max(lastReceived, lastSent)
        if now >= last + NodeLimits.silenceNanoseconds { throw .ended(.timedOut, "silent") }
        let pingAt = max(lastReceived, lastPing) + NodeLimits.pingNanoseconds
        guard now >= pingAt else { return min(pingAt, last + NodeLimits.silenceNanoseconds) }
        lastPing = now
        ping(now)
        return min(now + NodeLimits.pingNanoseconds, last + NodeLimits.silenceNanoseconds)
    }
}
