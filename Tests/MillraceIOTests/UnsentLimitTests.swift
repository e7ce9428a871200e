import Testing

@testable import MillraceIO

@Suite struct UnsentLimitTests {
    /// Sends chunks at a rate for so long and returns the limit that stands then.
    private func limit(bytesPerSecond: Double, seconds: Double, chunk: Int = 102_400) -> Int {
        var limit = UnsentLimit()
        var current = UnsentLimit.leastByteCount
        let interval = Double(chunk) / bytesPerSecond * 1e9
        for index in 0...Int(seconds * 1e9 / interval) {
            if let wanted = limit.sent(chunk, now: UInt64(Double(index) * interval)) { current = wanted }
        }
        return current
    }

    @Test func aSlowLinkKeepsTheLeast() {
        #expect(limit(bytesPerSecond: 25e6, seconds: 2) == UnsentLimit.leastByteCount)
        #expect(limit(bytesPerSecond: 1e5, seconds: 20) == UnsentLimit.leastByteCount)
    }

    @Test func aFastLinkHoldsAMillisecondOfItsRate() {
        #expect(limit(bytesPerSecond: 125e6, seconds: 1) == 128 * 1024)
        #expect(limit(bytesPerSecond: 1e9, seconds: 1) == 1024 * 1024)
        #expect(limit(bytesPerSecond: 50e9, seconds: 0.1) == UnsentLimit.mostByteCount)
    }

    @Test func aLinkThatSlowsDownBindsLateAgain() {
        var limit = UnsentLimit()
        var now: UInt64 = 0
        var heard: [Int] = []
        for (count, interval) in [(200, 100_000), (40, 4_000_000)] as [(Int, UInt64)] {
            for _ in 0..<count {
                now += interval
                if let wanted = limit.sent(102_400, now: now) { heard.append(wanted) }
            }
        }
        #expect(heard.first == 1024 * 1024 && heard.last == UnsentLimit.leastByteCount)
    }

    @Test func timeThatStandsStillChangesNothing() {
        var limit = UnsentLimit()
        for _ in 0..<100 { #expect(limit.sent(102_400, now: 5) == nil) }
    }
}
