/// Bytes per second over the last few seconds, from a count that only grows. The seconds before the first byte are left
/// out, so that a node that has waited, or has checked what an earlier run left, does not begin with a low rate.
struct RateWindow: Sendable {
    private struct Sample {
        let at: UInt64
        let byteCount: UInt64
    }

    private static let windowNanoseconds: UInt64 = 5_000_000_000
    private static let gapNanoseconds: UInt64 = 250_000_000
    /// A rate over less time than this would be noise.
    private static let leastNanoseconds: UInt64 = 400_000_000

    private var samples: [Sample] = []
    private var latest: UInt64 = 0

    /// - Parameter byteCount: all bytes so far; a smaller number than before begins anew.
    mutating func saw(_ byteCount: UInt64, at now: UInt64) {
        if byteCount < latest { samples = [] }
        latest = byteCount
        if samples.count == 1, samples[0].byteCount == byteCount { samples = [] }
        guard let last = samples.last else {
            samples.append(Sample(at: now, byteCount: byteCount))
            return
        }
        guard now >= last.at + RateWindow.gapNanoseconds else { return }
        samples.append(Sample(at: now, byteCount: byteCount))
        // The last sample outside of the window is where the window begins.
        while samples.count > 2, samples[1].at + RateWindow.windowNanoseconds <= now { samples.removeFirst() }
    }

    /// Nil until enough has been seen.
    func bytesPerSecond(at now: UInt64) -> Double? {
        guard let first = samples.first, now >= first.at + RateWindow.leastNanoseconds else { return nil }
        return Double(latest - first.byteCount) / (Double(now - first.at) / 1e9)
    }
}
