/// The most bytes that came within any one second: what the link was seen to carry. Counted in tenths of a second.
struct PeakRate: Sendable {
    private static let bucketNanoseconds: UInt64 = 100_000_000
    private static let bucketCount = 10

    private var buckets = Array(repeating: UInt64(0), count: bucketCount)
    private var current: UInt64?
    private var sum: UInt64 = 0
    private var first: UInt64 = 0
    private(set) var bytesPerSecond: UInt64?

    mutating func took(_ byteCount: UInt64, at now: UInt64) {
        let bucket = now / PeakRate.bucketNanoseconds
        advance(to: bucket)
        buckets[Int(bucket % UInt64(PeakRate.bucketCount))] += byteCount
        sum += byteCount
    }

    /// Closes the buckets up to this one; a second counts once it is over.
    private mutating func advance(to bucket: UInt64) {
        guard let current else {
            self.current = bucket
            first = bucket
            return
        }
        guard bucket > current else { return }
        if bucket - first >= UInt64(PeakRate.bucketCount) { bytesPerSecond = max(bytesPerSecond ?? 0, sum) }
        for step in 1...min(bucket - current, UInt64(PeakRate.bucketCount)) {
            let index = Int((current + step) % UInt64(PeakRate.bucketCount))
            sum -= buckets[index]
            buckets[index] = 0
        }
        self.current = bucket
    }
}
