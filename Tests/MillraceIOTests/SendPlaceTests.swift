import Testing

@testable import MillraceIO

@Suite struct SendPlaceTests {
    private static let chunk = 102_400

    private func isSignalled(_ wake: WakeUp) throws -> Bool {
        let ready = try WaitPoint.wait(
            socket: -1, forReading: false, forWriting: false, wake: wake, untilNanoseconds: 0)
        return ready.contains(.woken)
    }

    @Test func nobodyWaitsWhereLinksAreAlike() throws {
        let share = SendShare()
        let places = try (0..<3).map { _ in SendPlace(share: share, wake: try WakeUp()) }
        for place in places {
            #expect(place.room(for: Self.chunk, now: 1) == .asMuchAsThereIs)
            place.began(now: 1)
        }
        for place in places { #expect(place.room(for: Self.chunk, now: 2) == .asMuchAsThereIs) }
    }

    @Test func onANarrowLinkOneChunkIsUnderWayAtATime() throws {
        let share = SendShare(trial: TurnTrial(takesTurns: true))
        let wakes = try (0..<2).map { _ in try WakeUp() }
        let places = wakes.map { SendPlace(share: share, wake: $0) }
        #expect(places[0].room(for: Self.chunk, now: 1) == .oneChunk)
        places[0].began(now: 1)
        guard case .nothing(until: 2...) = places[1].room(for: Self.chunk, now: 2) else {
            Issue.record("the second waits, and is told until when")
            return
        }
        // Not another beside the one that it is sending.
        #expect(places[0].room(for: Self.chunk, now: 3) == .nothing(until: .max))
        #expect(try !isSignalled(wakes[1]))
        places[0].rested(now: 4)
        #expect(try isSignalled(wakes[1]))
        #expect(places[1].room(for: Self.chunk, now: 5) == .oneChunk)
    }

    @Test func aConnectionThatEndsGivesItsTurnBack() throws {
        let share = SendShare(trial: TurnTrial(takesTurns: true))
        let wakes = try (0..<2).map { _ in try WakeUp() }
        let other = SendPlace(share: share, wake: wakes[1])
        do {
            let place = SendPlace(share: share, wake: wakes[0])
            #expect(place.room(for: Self.chunk, now: 1) == .oneChunk)
            place.began(now: 1)
            #expect(other.room(for: Self.chunk, now: 2) != .oneChunk)
        }
        #expect(try isSignalled(wakes[1]))
        #expect(other.room(for: Self.chunk, now: 3) == .oneChunk)
    }

    @Test func whoHasItsTurnHasRoomForAllThatTheLinkCarries() {
        for (trial, share) in [(TurnTrial(), 2_560_000.0), (TurnTrial(takesTurns: true), 5_120_000)] {
            let all = SendShare(trial: trial)
            all.received(1, bytesPerSecond: 12_000_000)
            var marks = (SendMeasure.Mark(), SendMeasure.Mark())
            // Less than half a second: turns are for longer.
            for tick in 0...20 as ClosedRange<UInt64> {
                _ = all.sent(Self.chunk, now: tick * 40_000_000 / 2, mark: &marks.0)
                _ = all.sent(Self.chunk, now: tick * 40_000_000 / 2, mark: &marks.1)
            }
            #expect(abs(all.bytesPerSecond / (2 * share) - 1) < 0.2, "\(all.bytesPerSecond)")
        }
    }
}
