/// How fast chunks come: a moving average of the time between them, from which windows and batches follow.
public struct Pace: Sendable {
    private var lastNanoseconds: UInt64?
    /// The average time between two arrivals; nil before the second one.
    public private(set) var intervalNanoseconds: UInt64?

    public init() {}

    /// Notes an arrival. A pause counts as at most ten usual intervals, so that one stall does not shrink every window.
    public mutating func arrival(at now: UInt64) {
        defer { lastNanoseconds = now }
        guard let last = lastNanoseconds, now >= last else { return }
        guard let interval = intervalNanoseconds else {
            intervalNanoseconds = now - last
            return
        }
        let sample = min(now - last, max(interval, 1) * 10)
        intervalNanoseconds = interval - interval / 8 + sample / 8
    }

    /// So many bytes come in a second as only links of more than a gigabit carry.
    func isFast(chunkByteCount: UInt32) -> Bool {
        guard let interval = intervalNanoseconds else { return false }
        return UInt64(chunkByteCount) * 1_000_000_000 / max(interval, 1) > SwarmLimits.fastBytesPerSecond
    }

    /// How many chunks arrive in the time that windows must cover, shared out over `base` of them: 1 on a slow link,
    /// more where a chunk's time is short against a round trip. `least` gives way to the bound in bytes alone.
    func scale(
        overWindow base: Int, chunkByteCount: UInt32, covering nanoseconds: UInt64 = SwarmLimits.windowNanoseconds,
        atLeast least: Int = 1
    ) -> Int {
        guard let interval = intervalNanoseconds else { return 1 }
        let wanted = Int(nanoseconds / max(interval, 1_000)) / max(base, 1)
        let bytes = SwarmLimits.largestWindowByteCount / Int(chunkByteCount) / max(base, 1)
        return max(1, min(max(wanted, least), bytes, SwarmLimits.largestWindow / max(base, 1)))
    }

    /// How far apart announcements go out so that about `batch` chunks go together: each message costs both ends a
    /// packet and its acknowledgement.
    func announceNanoseconds(batch: Int) -> UInt64 {
        guard let interval = intervalNanoseconds else { return 0 }
        let (wanted, overflow) = interval.multipliedReportingOverflow(by: UInt64(batch))
        guard !overflow else { return SwarmLimits.longestAnnounceNanoseconds }
        return min(max(wanted, SwarmLimits.shortestAnnounceNanoseconds), SwarmLimits.longestAnnounceNanoseconds)
    }
}
