/// What came to a node and what it sent over some time.
struct RoomTraffic: Sendable {
    /// Bytes that have come since the node began.
    struct Received: Sendable {
        var all: UInt64 = 0
        var fromPeers: UInt64 = 0
    }

    /// Bytes a second.
    struct Rates: Sendable {
        let came: Double
        let cameFromPeers: Double
        let carried: Double

        /// What comes, less half of what is sent less for it: chunks that queue on the way to a node are in the way of
        /// the acknowledgements for what it sends, and where its link is not narrow that is all that there is to see.
        func net(since before: Rates) -> Double { came - max(0, before.carried - carried) / 2 }
    }

    let start: UInt64
    private let receivedBefore: Received
    private var end: UInt64
    private var received: Received
    private var sent: UInt64 = 0
    /// Bytes sent, and the time, while as many connections were sending as fill a link.
    private var sentTogether: UInt64 = 0
    private var nanosecondsTogether: UInt64 = 0

    init(from start: UInt64, received: Received) {
        (self.start, end) = (start, start)
        (receivedBefore, self.received) = (received, received)
    }

    var nanoseconds: UInt64 { end - start }

    /// From its end on.
    var following: RoomTraffic { RoomTraffic(from: end, received: received) }

    var rates: Rates {
        let seconds = Double(max(nanoseconds, 1)) / 1e9
        return Rates(
            came: Double(received.all - receivedBefore.all) / seconds,
            cameFromPeers: Double(received.fromPeers - receivedBefore.fromPeers) / seconds,
            carried: Double(sent) / seconds)
    }

    /// Bytes a second sent while as many were sending as fill a link; nil if they were not for most of the time.
    var carriedTogether: Double? {
        guard 2 * nanosecondsTogether > nanoseconds else { return nil }
        return Double(sentTogether) / Double(nanosecondsTogether) * 1e9
    }

    mutating func sent(_ byteCount: UInt64, isTogether: Bool, received: Received, now: UInt64) {
        end = max(end, now)
        self.received = received
        sent += byteCount
        if isTogether { sentTogether += byteCount }
    }

    mutating func wereSendingTogether(_ nanoseconds: UInt64) { nanosecondsTogether += nanoseconds }

    /// This and what follows it.
    func joined(with next: RoomTraffic) -> RoomTraffic {
        var all = self
        (all.end, all.received) = (next.end, next.received)
        all.sent += next.sent
        all.sentTogether += next.sentTogether
        all.nanosecondsTogether += next.nanosecondsTogether
        return all
    }
}
