import Testing

@testable import MillraceIO

@Suite struct RoomTrialTests {
    private static let chunk = 102_400
    private static let megabyte = 1_000_000.0

    /// What a node sends, and what comes to it by the room that it asks for, in bytes a second.
    private struct Node {
        /// How many of its connections send at a time, and whether it has no others.
        var sendingCount = 4
        var isAlone = false
        var othersReceive = 0.0
        /// How much of what comes the owner sends.
        var ownersPart = 0.0
        var sends: Double
        var receives: @Sendable (_ roomTimes: Int) -> Double
    }

    /// A node in virtual time.
    private struct Run {
        var trial = RoomTrial()
        private var millisecond: UInt64 = 1
        private var due = 0.0
        private var received = 0.0

        /// Milliseconds of each second in which more room was asked for.
        mutating func asked(by node: Node, seconds: Int) -> [Int] {
            (0..<seconds).map { _ in asked(by: node, milliseconds: 1000).reduce(0, +) }
        }

        /// For each millisecond 1 if more room was asked for.
        mutating func asked(by node: Node, milliseconds: Int) -> [Int] {
            (0..<milliseconds).map { _ in step(of: node) ? 1 : 0 }
        }

        private mutating func step(of node: Node) -> Bool {
            let now = millisecond * 1_000_000
            let asks = trial.roomTimes > 1
            let count = node.sendingCount
            trial.fastestNeighbourBytesPerSecond = node.othersReceive
            received += node.receives(trial.roomTimes) / 1000
            due += node.sends / 1000
            for _ in 0..<count { trial.began(now: now) }
            while due >= Double(RoomTrialTests.chunk) {
                due -= Double(RoomTrialTests.chunk)
                let connectionCount = node.isAlone ? 1 : 4
                trial.sent(
                    RoomTrialTests.chunk, received: came(fromPeers: 1 - node.ownersPart),
                    connectionCount: connectionCount, now: now + 900_000)
            }
            for _ in 0..<count { trial.rested(now: now + 1_000_000) }
            millisecond += 1
            return asks
        }

        private func came(fromPeers part: Double) -> RoomTraffic.Received {
            RoomTraffic.Received(all: UInt64(received), fromPeers: UInt64(received * part))
        }
    }

    private func asked(by node: Node, seconds: Int) -> [Int] {
        var run = Run()
        return run.asked(by: node, seconds: seconds)
    }

    private func fromPeers(_ byteCount: UInt64) -> RoomTraffic.Received {
        RoomTraffic.Received(all: byteCount, fromPeers: byteCount)
    }

    private func node(sends: Double, receives: Double, withRoom: Double? = nil) -> Node {
        Node(sends: sends * Self.megabyte) { ($0 > 1 ? withRoom ?? receives : receives) * Self.megabyte }
    }

    /// What is asked for after so many seconds, if by that so many megabytes a second come.
    private func kept(after seconds: Int, _ megabytes: [Int: Double]) -> Int {
        var run = Run()
        _ = run.asked(by: Node(sends: 3 * Self.megabyte) { megabytes[$0]! * Self.megabyte }, seconds: seconds)
        return run.trial.roomTimes
    }

    @Test func itIsRaisedStepByStepWhileMoreComes() {
        #expect(kept(after: 4, [1: 5, 2: 7.5, 4: 11, 8: 16]) == 8)
        #expect(kept(after: 60, [1: 5, 2: 7.5, 4: 11, 8: 11.2]) == 4)
        #expect(kept(after: 60, [1: 5, 2: 7.5, 4: 7.5, 8: 7.5]) == 2)
    }

    @Test func whereTwiceTheRoomShowsNothingFourTimesMayAndNoMoreIsTried() {
        #expect(kept(after: 60, [1: 7, 2: 7.2, 4: 12, 8: 12]) == 4)
        #expect(kept(after: 60, [1: 7, 2: 7.2, 4: 7.2, 8: 12]) == 1)
    }

    /// So little comes that what is sent is no small part of it.
    @Test func whoGetsLessThanOthersAsksThoughItSendsAsMuch() {
        var crowded = node(sends: 6, receives: 7, withRoom: 22)
        #expect(asked(by: crowded, seconds: 5).allSatisfy { $0 == 0 })
        crowded.othersReceive = 22 * Self.megabyte
        #expect(asked(by: crowded, seconds: 5)[1...].allSatisfy { $0 == 1000 })
    }

    @Test func whoHasANarrowUplinkAsksFromItsFirstSecondOn() {
        let asked = asked(by: node(sends: 6, receives: 14, withRoom: 22), seconds: 10)
        #expect(asked[0] > 300)
        #expect(asked[1...].allSatisfy { $0 == 1000 })
    }

    @Test func whereNothingMoreComesForItItIsGivenUpAndTriedAgainEverMoreSeldom() {
        let asked = asked(by: node(sends: 4, receives: 12), seconds: 60)
        #expect((1...2100).contains(asked.reduce(0, +)), "\(asked)")
        #expect(asked[30...].reduce(0, +) < 800)
    }

    /// More came by chance at first: not over a longer time.
    @Test func aGainThatDoesNotLastIsNotEnough() {
        var run = Run()
        let well = run.asked(by: node(sends: 4, receives: 12, withRoom: 13.5), seconds: 1)
        #expect(well[0] > 300)
        let usual = run.asked(by: node(sends: 4, receives: 12), seconds: 1)
        #expect(usual[0] < 600 && run.trial.roomTimes == 1)
    }

    /// Of five at whom a fast owner sends each gets most from it, and has little to send.
    @Test func whatTheOwnerSendsNobodyHasToPassOn() {
        var fed = node(sends: 12, receives: 25, withRoom: 40)
        #expect(asked(by: fed, seconds: 5).contains { $0 > 0 })
        fed.ownersPart = 0.4
        #expect(asked(by: fed, seconds: 10).allSatisfy { $0 == 0 })
    }

    /// More room brings a fifth more, and its own acknowledgements come so late that it sends less than half of what it
    /// did: its link is not narrow.
    @Test func moreThatCostsAsMuchOfWhatIsSentIsNoGain() {
        var run = Run()
        var crowded = node(sends: 13, receives: 20, withRoom: 24)
        let asked = (0..<100).flatMap { _ in
            crowded.sends = (run.trial.roomTimes > 1 ? 5 : 13) * Self.megabyte
            return run.asked(by: crowded, milliseconds: 100)
        }
        #expect(asked.contains(1) && run.trial.keptRoomTimes == 1)
    }

    /// It sends more from moment to moment, while chunks spread: its link is not full.
    @Test func nothingIsTriedWhileWhatIsSentGrows() {
        var run = Run()
        for sends in stride(from: 1.0, to: 12, by: 0.25) {
            let asked = run.asked(by: node(sends: sends * sends / 6, receives: 40, withRoom: 60), milliseconds: 50)
            #expect(asked.allSatisfy { $0 == 0 })
        }
    }

    @Test func linksThatAreAlikeAreNeverTried() {
        #expect(asked(by: node(sends: 20, receives: 25), seconds: 10).allSatisfy { $0 == 0 })
    }

    @Test func nodesOfOneMachineAreNeverTried() {
        #expect(asked(by: node(sends: 60, receives: 200, withRoom: 400), seconds: 5).allSatisfy { $0 == 0 })
    }

    @Test func anOwnerAsksForNone() {
        #expect(asked(by: node(sends: 25, receives: 0), seconds: 5).allSatisfy { $0 == 0 })
    }

    /// The others are waited for.
    @Test func oneOfSeveralThatSendsAloneIsNeverTried() {
        var one = node(sends: 4, receives: 12)
        one.sendingCount = 1
        #expect(asked(by: one, seconds: 10).allSatisfy { $0 == 0 })
    }

    @Test func theOnlyConnectionIsTriedLikeSeveral() {
        var alone = node(sends: 6, receives: 14, withRoom: 22)
        (alone.sendingCount, alone.isAlone) = (1, true)
        let asked = asked(by: alone, seconds: 10)
        #expect(asked[0] > 300)
        #expect(asked[1...].allSatisfy { $0 == 1000 })
    }

    /// Little is asked of it: there is nothing that others would wait behind.
    @Test func aLinkThatIsSeldomBusyIsNeverTried() {
        var trial = RoomTrial()
        for tick in 1...500 as ClosedRange<UInt64> {
            let now = tick * 20_000_000
            for _ in 0..<2 { trial.began(now: now) }
            trial.sent(Self.chunk, received: fromPeers(tick * 240_000), connectionCount: 2, now: now + 9_000_000)
            for _ in 0..<2 { trial.rested(now: now + 9_000_000) }
            #expect(trial.roomTimes == 1)
        }
    }

    /// All that were sending have gone, or stand still.
    @Test func aTrialInWhichNothingIsSentEnds() {
        var trial = RoomTrial()
        var second = 1
        while trial.roomTimes == 1, second < 5 {
            for millisecond in 0..<1000 where trial.roomTimes == 1 {
                let now = UInt64(second * 1000 + millisecond) * 1_000_000
                for _ in 0..<2 { trial.began(now: now) }
                let received = 12_000 * (now / 1_000_000)
                if millisecond.isMultiple(of: 25) {
                    trial.sent(Self.chunk, received: fromPeers(received), connectionCount: 2, now: now)
                }
                for _ in 0..<2 { trial.rested(now: now + 1_000_000) }
            }
            second += 1
        }
        #expect(trial.roomTimes > 1)
        let (inTime, late) = (
            trial.roomTimes(now: UInt64(second) * 1_000_000_000),
            trial.roomTimes(now: UInt64(second + 11) * 1_000_000_000))
        #expect(inTime > 1 && late == 1 && trial.roomTimes == 1)
    }

    @Test func itEndsOnceMuchIsSentForWhatComes() {
        var run = Run()
        let narrow = run.asked(by: node(sends: 6, receives: 14, withRoom: 22), seconds: 5)
        let wide = run.asked(by: node(sends: 20, receives: 22), seconds: 2)
        #expect(narrow.last == 1000 && wide.last == 0)
    }
}
