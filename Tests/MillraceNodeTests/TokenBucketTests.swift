import Testing

@testable import MillraceNode

struct TokenBucketTests {
    private static let second: UInt64 = 1_000_000_000
    private static let burst: UInt64 = 10_000_000

    private func bucket(_ rate: UInt64) -> TokenBucket {
        TokenBucket(bytesPerSecond: rate, burstNanoseconds: Self.burst)
    }

    /// What passes from `start` to `end` when everybody who may pass does, each one late by `lateness`.
    private func passed(
        _ bucket: inout TokenBucket, pieces: Int, from start: UInt64, to end: UInt64, lateness: UInt64 = 0
    ) -> Int {
        var now = start
        var total = 0
        while true {
            now = max(now, bucket.reserve(pieces, at: now) + lateness)
            guard now < end else { return total }
            total += pieces
        }
    }

    @Test(arguments: [(10_000, 1000), (12_000_000, 102_400), (125_000_000, 1024), (3_000_000_000, 262_144)])
    func theRateIsExactOverASecond(rate: Int, pieces: Int) {
        var bucket = bucket(UInt64(rate))
        _ = passed(&bucket, pieces: pieces, from: Self.second, to: 2 * Self.second)
        let second = passed(&bucket, pieces: pieces, from: 2 * Self.second, to: 3 * Self.second)
        #expect(abs(second - rate) <= rate / 1000 + 2 * pieces)
    }

    @Test func aLongRunLosesNothingToRounding() {
        var bucket = bucket(3)
        let start = Self.second
        for index in 0..<100_000 {
            let expected = start - Self.burst + UInt64(index) * Self.second / 3
            #expect(bucket.reserve(1, at: start) == expected)
        }
    }

    @Test func aPauseIsMadeUpForByTheBurstAndNoMore() {
        let rate = 100_000_000
        var bucket = bucket(UInt64(rate))
        _ = bucket.reserve(1000, at: Self.second)
        let now = 100 * Self.second
        var atOnce = 0
        while bucket.reserve(1000, at: now) <= now { atOnce += 1000 }
        #expect(abs(atOnce - rate / 100) <= 1000)
    }

    @Test func lateThreadsCostNothingWithinTheBurst() {
        var bucket = bucket(100_000_000)
        let total = passed(
            &bucket, pieces: 100_000, from: Self.second, to: 2 * Self.second, lateness: Self.burst - 1_000_000)
        #expect(abs(total - 100_000_000) <= 2_000_000)
    }

    @Test func reservationsQueueInTheirOrder() {
        var bucket = bucket(1_000_000)
        let now = Self.second
        let starts = (0..<5).map { _ in bucket.reserve(100_000, at: now) }
        #expect(starts == (0..<5).map { now - Self.burst + $0 * 100_000_000 })
    }

    @Test func whatIsGivenBackIsFreeAgain() {
        var bucket = bucket(1_000_000)
        let first = bucket.reserve(100_000, at: Self.second)
        bucket.giveBack(60_000)
        #expect(bucket.reserve(1, at: Self.second) == first + 40_000_000)
        bucket.giveBack(1_000_000_000_000)
        #expect(bucket.reserve(1, at: Self.second) == first)
    }

    @Test func theFirstNanosecondsOfAClockAreNoTrap() {
        var bucket = bucket(1)
        #expect(bucket.reserve(0, at: 0) == 0)
        #expect(bucket.reserve(1 << 24, at: 5) == 0)
        #expect(bucket.reserve(1, at: 5) == (1 << 24) * Self.second)
    }
}
