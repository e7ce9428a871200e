import Testing

@testable import MillraceIO

@Suite struct SendLimitsTests {
    /// Sends chunks at a rate for so long and returns the limits that stand then.
    private func limits(
        bytesPerSecond: Double, seconds: Double, segment: Int = 1448, roundTripMilliseconds: UInt64 = 0
    ) -> SendLimits {
        var gauge = SendGauge(segmentByteCount: segment, share: .ofPeer)
        let chunk = 102_400
        let interval = Double(chunk) / bytesPerSecond * 1e9
        for index in 0...Int(seconds * 1e9 / interval) {
            _ = gauge.sent(chunk, now: UInt64(Double(index) * interval)) { roundTripMilliseconds * 1_000_000 }
        }
        return gauge.current
    }

    @Test func aSlowLinkKeepsTheLeast() {
        for (rate, seconds) in [(1e6, 5.0), (1e5, 20.0)] {
            let limits = limits(bytesPerSecond: rate, seconds: seconds)
            #expect(limits.unsentByteCount == 16 * 1024 && limits.queueByteCount == 16 * 1024)
        }
    }

    @Test func unsentIsAMillisecondOfTheRate() {
        #expect(limits(bytesPerSecond: 125e6, seconds: 1).unsentByteCount == 128 * 1024)
        #expect(limits(bytesPerSecond: 1e9, seconds: 1).unsentByteCount == 1024 * 1024)
        #expect(limits(bytesPerSecond: 50e9, seconds: 0.1).unsentByteCount == SendLimits.mostUnsentByteCount)
    }

    @Test func theQueueIsEightMillisecondsOfTheRateAndTheKernelsOnFastLinks() {
        #expect(limits(bytesPerSecond: 12e6, seconds: 1).queueByteCount == 96 * 1024)
        #expect(limits(bytesPerSecond: 25e6, seconds: 1).queueByteCount == 192 * 1024)
        #expect(limits(bytesPerSecond: 125e6, seconds: 1).queueByteCount == nil)
    }

    /// Else what it holds, over the round trip, would be its rate for ever.
    @Test func aLinkThatAnswersLateIsGivenTwoOfItsRoundTripsBesides() {
        #expect(limits(bytesPerSecond: 3e6, seconds: 2, roundTripMilliseconds: 2).queueByteCount == 24 * 1024)
        #expect(limits(bytesPerSecond: 3e6, seconds: 2, roundTripMilliseconds: 5).queueByteCount == 40 * 1024)
        #expect(limits(bytesPerSecond: 3e6, seconds: 2, roundTripMilliseconds: 20).queueByteCount == 128 * 1024)
        #expect(limits(bytesPerSecond: 12e6, seconds: 2, roundTripMilliseconds: 40).queueByteCount == nil)
    }

    @Test func oneCallIsNoLongerThanAShortQueue() {
        #expect(limits(bytesPerSecond: 1e6, seconds: 5).callByteCount == 16 * 1024)
        #expect(limits(bytesPerSecond: 5e6, seconds: 5).callByteCount == 40 * 1024)
        #expect(limits(bytesPerSecond: 25e6, seconds: 1).callByteCount == .max)
    }

    /// Nodes of one swarm measure their alike links a little differently: none may have half of the others' room.
    @Test func aLittleMoreRateIsALittleMoreRoom() {
        var last = SendLimits(bytesPerSecond: 1e6, segmentByteCount: 1448)
        for step in 1...400 {
            let next = SendLimits(bytesPerSecond: 1e6 + Double(step) * 1e5, segmentByteCount: 1448)
            let (before, after) = (last.queueByteCount ?? 0, next.queueByteCount ?? 0)
            #expect(after >= before && 4 * after <= 5 * before, "\(step): \(before), \(after)")
            last = next
        }
    }

    @Test func theQueueHoldsSeveralSegments() {
        #expect(limits(bytesPerSecond: 1e6, seconds: 1, segment: 8948).queueByteCount == 96 * 1024)
        #expect(limits(bytesPerSecond: 1e6, seconds: 1, segment: 65_483).queueByteCount == nil)
    }

    @Test func aLinkThatSlowsDownIsBoundAgain() {
        var gauge = SendGauge(segmentByteCount: 1448, share: .ofPeer)
        var now: UInt64 = 0
        var heard: [SendLimits] = []
        for (count, interval) in [(200, 100_000), (80, 80_000_000)] as [(Int, UInt64)] {
            for _ in 0..<count {
                now += interval
                if let wanted = gauge.sent(102_400, now: now) { heard.append(wanted) }
            }
        }
        #expect(heard.first?.unsentByteCount == 1024 * 1024 && heard.first?.queueByteCount == .some(nil))
        #expect(heard.last?.unsentByteCount == 16 * 1024 && heard.last?.queueByteCount == 16 * 1024)
    }

    @Test func whoAsksForRoomHasSoManyTimesTheUsualAtOnceAndNoMoreThanAnybody() {
        var gauge = SendGauge(segmentByteCount: 1448, share: .ofPeer)
        let usual = gauge.current
        let (more, again) = (gauge.asked(roomTimes: 8), gauge.asked(roomTimes: 8))
        #expect(more?.queueByteCount == 8 * 16 * 1024 && more?.callByteCount == .max)
        #expect(more?.unsentByteCount == usual.unsentByteCount && again == nil)
        // It stays so when the rate becomes another.
        for tick in 1...200 as ClosedRange<UInt64> { _ = gauge.sent(102_400, now: tick * 4_000_000) }
        #expect(gauge.current.queueByteCount == SendLimits.mostQueueByteCount)
        let less = gauge.asked(roomTimes: 1)
        #expect(less?.queueByteCount == limits(bytesPerSecond: 25.6e6, seconds: 1).queueByteCount)
    }

    @Test func timeThatStandsStillChangesNothing() {
        var gauge = SendGauge(segmentByteCount: 1448, share: .ofPeer)
        for _ in 0..<100 { #expect(gauge.sent(102_400, now: 5) == nil) }
    }
}

extension SendShare {
    /// A node to which something comes: its only reader has what the link carries, an owner's twice that.
    static var ofPeer: SendShare {
        let share = SendShare()
        _ = share.received(0, bytesPerSecond: 1, now: 0)
        return share
    }
}
