import MillraceSwarm
import MillraceWire
import Testing

@Suite("Where chunks come faster than a gigabit, messages are for several of them")
struct PeerBatchTests {
    private static let fastInterval = millisecond / 2

    /// A peer that has got 60 chunks of its owner's, one every so often.
    private func bench(every interval: UInt64, sources: ClosedRange<PeerIndex>) -> PeerBench {
        var bench = PeerBench(chunks: 1000, sources: Array(sources), chunkByteCount: 102_400)
        bench.start()
        for chunk in 0..<60 as Range<ChunkID> {
            bench.now += interval
            bench.verified(chunk, from: .grant)
        }
        _ = bench.take()
        return bench
    }

    @Test func `a source is asked for five times as many chunks at once`() {
        for (interval, times) in [(PeerBatchTests.fastInterval, SwarmLimits.fastWindowTimes), (millisecond, 1)] {
            var bench = bench(every: interval, sources: 1...4)
            bench.holds(1, 100..<1000)
            #expect(bench.take().requests.count == times * SwarmLimits.requestWindowPerSource)
        }
    }

    @Test func `all windows together keep their bound`() {
        var bench = bench(every: PeerBatchTests.fastInterval, sources: 1...8)
        for source in 1...8 as ClosedRange<PeerIndex> { bench.holds(source, 100..<1000) }
        #expect(bench.take().requests.count == SwarmLimits.fastWindowTimes * SwarmLimits.requestWindow)
    }

    @Test func `a window is filled up again once half of it is empty, not before`() throws {
        var bench = bench(every: PeerBatchTests.fastInterval, sources: 1...4)
        bench.holds(1, 100..<1000)
        let window = SwarmLimits.fastWindowTimes * SwarmLimits.requestWindowPerSource
        var waiting = bench.take().requests.map(\.chunk)[...]
        for _ in 0..<(window / 2) {
            bench.now += PeerBatchTests.fastInterval
            let chunk = waiting.popFirst()
            bench.verified(try #require(chunk), from: .peer(1))
            #expect(bench.take().requests.isEmpty)
        }
        bench.now += PeerBatchTests.fastInterval
        let last = waiting.popFirst()
        bench.verified(try #require(last), from: .peer(1))
        #expect(bench.take().requests.count == window - waiting.count)
    }

    @Test func `the last chunks of a source are asked for, few as they are`() {
        var bench = bench(every: PeerBatchTests.fastInterval, sources: 1...4)
        bench.holds(1, 100..<103)
        #expect(Set(bench.take().requests.map(\.chunk)) == [100, 101, 102])
        bench.holds(1, 103..<104)
        #expect(bench.take().requests.map(\.chunk) == [103])
    }

    @Test func `credits go out in halves of their window`() {
        var bench = bench(every: PeerBatchTests.fastInterval, sources: 1...4)
        var counts: [Int] = []
        for chunk in 60..<100 as Range<ChunkID> {
            bench.now += PeerBatchTests.fastInterval
            bench.verified(chunk, from: .grant)
            for case .credit(let count) in bench.take() { counts.append(count) }
        }
        #expect(!counts.isEmpty)
        #expect(counts.allSatisfy { $0 > SwarmLimits.fastWindowTimes * SwarmLimits.creditWindow / 2 })
    }

    @Test func `a large ring keeps one request at each source`() {
        var bench = bench(every: PeerBatchTests.fastInterval, sources: 1...80)
        for source in bench.policy.wantedSources { bench.holds(source, 100..<106) }
        let asked = bench.take().requests.map(\.peer)
        #expect(asked.count == SwarmLimits.requestWindow)
        #expect(Set(asked).count == asked.count)
    }
}
