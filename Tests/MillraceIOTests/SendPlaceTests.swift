import Testing

@testable import MillraceIO

@Suite struct SendPlaceTests {
    private static let chunk = 102_400

    /// A node with two connections, each of which may be sending, for a little more than half a second: little is sent,
    /// and much comes.
    private func roomTimes(_ hold: (SendPlace, SendPlace, UInt64) -> Void) -> Int {
        let share = SendShare()
        let places = (SendPlace(share: share), SendPlace(share: share))
        var mark = SendMeasure.Mark()
        for tick in 1...30 as ClosedRange<UInt64> {
            let now = tick * 20_000_000
            hold(places.0, places.1, now)
            _ = share.sent(Self.chunk, now: now, mark: &mark)
            _ = share.received(2 * Self.chunk, bytesPerSecond: 10_240_000, now: now)
        }
        return share.roomTimes
    }

    @Test func sourcesAreAskedForRoomWhileSeveralSend() {
        let times = roomTimes { first, second, now in
            first.began(now: now)
            second.began(now: now)
        }
        #expect(times == 2)
    }

    @Test func whoHasNothingToSendAsksForNone() {
        let times = roomTimes { first, second, now in
            for place in [first, second] {
                place.began(now: now)
                place.rested(now: now)
            }
        }
        #expect(times == 1)
    }

    @Test func aConnectionThatEndsSendsNoMore() {
        let share = SendShare()
        let other = SendPlace(share: share)
        other.began(now: 1)
        do {
            let place = SendPlace(share: share)
            place.began(now: 1)
        }
        var marks = (SendMeasure.Mark(), SendMeasure.Mark())
        for tick in 1...100 as ClosedRange<UInt64> {
            _ = share.sent(Self.chunk, now: tick * 20_000_000, mark: &marks.0)
            if tick.isMultiple(of: 4) { _ = share.sent(Self.chunk, now: tick * 20_000_000, mark: &marks.1) }
            #expect(share.received(4 * Self.chunk, bytesPerSecond: 10_240_000, now: tick * 20_000_000) == nil)
        }
        withExtendedLifetime(other) {}
    }
}
