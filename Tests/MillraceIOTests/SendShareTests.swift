import Testing

@testable import MillraceIO

@Suite struct SendShareTests {
    private static let chunk = 102_400

    /// Connections hand chunks to the kernel at these intervals, for a second; returns the share that stands then.
    private func share(intervalsMilliseconds: [UInt64]) -> Double {
        var measure = SendMeasure()
        var marks = intervalsMilliseconds.map { _ in SendMeasure.Mark() }
        for millisecond in 1...1000 as ClosedRange<UInt64> {
            for (index, interval) in intervalsMilliseconds.enumerated() where millisecond % interval == 0 {
                _ = measure.sent(SendShareTests.chunk, now: millisecond * 1_000_000, mark: &marks[index])
            }
        }
        return measure.share(atLeast: 0)
    }

    @Test func eachOfTheConnectionsInUseHasAnEqualShare() {
        let share = share(intervalsMilliseconds: [10, 10, 10, 10])
        #expect(abs(share / 10_240_000 - 1) < 0.1)
    }

    @Test func whoIsSlowHasTheShareOfTheRest() {
        let share = share(intervalsMilliseconds: [10, 10, 40])
        #expect(abs(share / (2.25 * 10_240_000 / 3) - 1) < 0.15)
    }

    @Test func aConnectionHearsOfTheShareOncePerStretch() {
        var measure = SendMeasure()
        var (mark, other) = (SendMeasure.Mark(), SendMeasure.Mark())
        var heard = 0
        for millisecond in 1...800 as ClosedRange<UInt64> {
            if measure.sent(SendShareTests.chunk, now: millisecond * 1_000_000, mark: &mark) != nil { heard += 1 }
        }
        // A stretch is ten milliseconds; the first has nobody to tell.
        #expect((78...80).contains(heard))
        #expect(measure.sent(SendShareTests.chunk, now: 800_500_000, mark: &other) == measure.share(atLeast: 0))
    }

    @Test func aSlowStretchCostsHalfAndTheNextFullOneMakesUpForIt() {
        var measure = SendMeasure()
        var mark = SendMeasure.Mark()
        var now: UInt64 = 0
        func send(_ count: Int, everyMilliseconds interval: UInt64) -> Double {
            for _ in 0..<count {
                now += interval * 1_000_000
                _ = measure.sent(SendShareTests.chunk, now: now, mark: &mark)
            }
            return measure.share(atLeast: 0)
        }
        let full = send(1001, everyMilliseconds: 1)
        #expect(abs(send(4, everyMilliseconds: 250) / full - 0.5) < 0.1)
        #expect(send(10, everyMilliseconds: 1) > 0.9 * full)
    }

    @Test func aNewConnectionBeginsWithTheRoomOfTheRest() {
        let share = SendShare.ofPeer
        var gauge = SendGauge(segmentByteCount: 1448, share: share)
        for millisecond in 1...100 as ClosedRange<UInt64> {
            _ = gauge.sent(SendShareTests.chunk, now: millisecond * 10_000_000)
        }
        #expect(gauge.current.queueByteCount == 80 * 1024)
        #expect(SendGauge(segmentByteCount: 1448, share: share).current == gauge.current)
    }

    @Test func whoHasSentLittleHasAShareOfWhatItReceives() {
        let share = SendShare()
        #expect(share.bytesPerSecond == 0)
        _ = share.received(1, bytesPerSecond: 24_000_000, now: 1)
        #expect(share.bytesPerSecond == 18_000_000)
        sendTenASecond(100, on: 2, of: share)
        #expect(share.bytesPerSecond == 9_000_000)
        // What it does send counts where that is more.
        _ = share.received(1, bytesPerSecond: 1_000_000, now: 2)
        #expect(abs(share.bytesPerSecond / Double(10 * Self.chunk) - 1) < 0.3)
    }

    /// The second look is the first in which it was sending all the time.
    @Test func whatSourcesAreAskedForIsToldOnceWhenItChanges() {
        // Nothing more comes for it.
        let told = told(by: SendShare(), bytesPerSecond: 10_240_000) { _ in 2 * Self.chunk }
        #expect(told.prefix(3).map(\.times) == [2, 4, 1])
        #expect(told.map(\.tick) == told.map(\.tick).sorted())
        #expect(told.count < 5)
    }

    @Test func aLinkThatMoreRoomProvedBusyHasLess() {
        let share = SendShare()
        // Twice as much comes for twice the room, and no more for even more.
        _ = told(by: share, bytesPerSecond: 24_000_000) { 2 * min($0, 2) * Self.chunk }
        #expect(share.roomTimes == 2)
        #expect(share.bytesPerSecond == 12_000_000)
    }

    @Test func anOwnersOnlyReaderHasTwiceWhatTheLinkCarriesAndAPeersHasIt() {
        for (received, part) in [(0, 2.0), (1_000_000, 1)] as [(UInt64, Double)] {
            let share = SendShare()
            _ = share.received(0, bytesPerSecond: received, now: 1)
            sendTenASecond(20, on: 1, of: share)
            #expect(abs(share.bytesPerSecond / (part * Double(10 * Self.chunk)) - 1) < 0.01)
        }
    }

    /// Two send a chunk every 20 ms for two seconds, and by the room so many bytes come for each. Returns how many
    /// times the usual room was to be asked for, and with which chunk.
    private func told(
        by share: SendShare, bytesPerSecond: UInt64, coming: (_ roomTimes: Int) -> Int
    ) -> [(times: Int, tick: UInt64)] {
        for _ in 0..<2 { share.began(now: 1) }
        var mark = SendMeasure.Mark()
        return (1...100 as ClosedRange<UInt64>).compactMap { tick in
            let now = tick * 20_000_000
            _ = share.sent(Self.chunk, now: now, mark: &mark)
            let times = share.received(coming(share.roomTimes), bytesPerSecond: bytesPerSecond, now: now)
            return times.map { ($0, tick) }
        }
    }

    /// So many chunks on each of the connections, ten a second.
    private func sendTenASecond(_ chunkCount: UInt64, on connectionCount: Int, of share: SendShare) {
        var gauges = (0..<connectionCount).map { _ in gauge(share) }
        for tick in 1...chunkCount {
            for index in gauges.indices { _ = gauges[index].sent(Self.chunk, now: tick * 100_000_000) }
        }
    }

    private func gauge(_ share: SendShare) -> SendGauge { SendGauge(segmentByteCount: 1448, share: share) }
}
