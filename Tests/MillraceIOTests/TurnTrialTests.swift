import Testing

@testable import MillraceIO

@Suite struct TurnTrialTests {
    private static let chunk = 102_400
    private static let megabyte = 1_000_000.0

    /// What a node sends, and what comes to it, in bytes a second, with and without turns.
    private struct Node {
        /// How many of its connections send at a time, and whether it has no others.
        var sendingCount = 4
        var isAlone = false
        var sends: Double
        var receives: (together: Double, inTurns: Double)
    }

    /// A node in virtual time.
    private struct Run {
        var trial = TurnTrial()
        private var millisecond: UInt64 = 1
        private var due = 0.0
        private var received = 0.0

        /// Milliseconds of each second in which the connections took turns.
        mutating func turns(of node: Node, seconds: Int) -> [Int] {
            (0..<seconds).map { _ in (0..<1000).count { _ in turn(of: node) } }
        }

        private mutating func turn(of node: Node) -> Bool {
            let now = millisecond * 1_000_000
            let takesTurns = trial.takesTurns
            let count = takesTurns ? 1 : node.sendingCount
            received += (takesTurns ? node.receives.inTurns : node.receives.together) / 1000
            due += node.sends / 1000
            for _ in 0..<count { trial.began(now: now) }
            while due >= Double(TurnTrialTests.chunk) {
                due -= Double(TurnTrialTests.chunk)
                let connectionCount = node.isAlone ? 1 : 4
                trial.sent(
                    TurnTrialTests.chunk, received: UInt64(received), connectionCount: connectionCount,
                    now: now + 900_000)
            }
            for _ in 0..<count { trial.rested(now: now + 1_000_000) }
            millisecond += 1
            return takesTurns
        }
    }

    private func turns(of node: Node, seconds: Int) -> [Int] {
        var run = Run()
        return run.turns(of: node, seconds: seconds)
    }

    private func node(sends: Double, receives: Double, inTurns: Double? = nil) -> Node {
        Node(
            sends: sends * Self.megabyte,
            receives: (receives * Self.megabyte, (inTurns ?? receives) * Self.megabyte))
    }

    @Test func aNarrowUplinkSendsOneAtATimeFromItsFirstSecondOn() {
        let turns = turns(of: node(sends: 6, receives: 14, inTurns: 22), seconds: 10)
        #expect(turns[0] > 300)
        #expect(turns[1...].allSatisfy { $0 == 1000 })
    }

    @Test func whereNothingMoreComesForItTurnsAreDroppedAndTriedAgainEverMoreSeldom() {
        let turns = turns(of: node(sends: 4, receives: 12), seconds: 60)
        #expect((1...1300).contains(turns.reduce(0, +)), "\(turns)")
        #expect(turns[30...].reduce(0, +) < 500)
    }

    /// More came by chance at first: not over a longer time.
    @Test func aGainThatDoesNotLastIsNotEnough() {
        var run = Run()
        let well = run.turns(of: node(sends: 4, receives: 12, inTurns: 13.5), seconds: 1)
        #expect(well[0] > 300)
        let usual = run.turns(of: node(sends: 4, receives: 12), seconds: 1)
        #expect(usual[0] < 300 && !run.trial.takesTurns)
    }

    @Test func linksThatAreAlikeAreNeverTried() {
        #expect(turns(of: node(sends: 20, receives: 25), seconds: 10).allSatisfy { $0 == 0 })
    }

    @Test func nodesOfOneMachineAreNeverTried() {
        #expect(turns(of: node(sends: 60, receives: 200, inTurns: 400), seconds: 5).allSatisfy { $0 == 0 })
    }

    @Test func anOwnerTakesNoTurns() {
        #expect(turns(of: node(sends: 25, receives: 0), seconds: 5).allSatisfy { $0 == 0 })
    }

    /// The others are waited for.
    @Test func oneOfSeveralThatSendsAloneIsNeverTried() {
        var one = node(sends: 4, receives: 12)
        one.sendingCount = 1
        #expect(turns(of: one, seconds: 10).allSatisfy { $0 == 0 })
    }

    @Test func theOnlyConnectionIsTriedLikeSeveral() {
        var alone = node(sends: 6, receives: 14, inTurns: 22)
        (alone.sendingCount, alone.isAlone) = (1, true)
        let turns = turns(of: alone, seconds: 10)
        #expect(turns[0] > 300)
        #expect(turns[1...].allSatisfy { $0 == 1000 })
    }

    /// Little is asked of it: there is nothing that others would wait behind.
    @Test func aLinkThatIsSeldomBusyIsNeverTried() {
        var trial = TurnTrial()
        for tick in 1...500 as ClosedRange<UInt64> {
            let now = tick * 20_000_000
            for _ in 0..<2 { trial.began(now: now) }
            trial.sent(Self.chunk, received: tick * 240_000, connectionCount: 2, now: now + 9_000_000)
            for _ in 0..<2 { trial.rested(now: now + 9_000_000) }
            #expect(!trial.takesTurns)
        }
    }

    /// All that were sending have gone, or stand still.
    @Test func aTrialInWhichNothingIsSentEnds() {
        var trial = TurnTrial()
        var second = 1
        while !trial.takesTurns, second < 5 {
            for millisecond in 0..<1000 where !trial.takesTurns {
                let now = UInt64(second * 1000 + millisecond) * 1_000_000
                for _ in 0..<2 { trial.began(now: now) }
                let received = 12_000 * (now / 1_000_000)
                if millisecond.isMultiple(of: 25) {
                    trial.sent(Self.chunk, received: received, connectionCount: 2, now: now)
                }
                for _ in 0..<2 { trial.rested(now: now + 1_000_000) }
            }
            second += 1
        }
        #expect(trial.takesTurns)
        let (inTime, late) = (
            trial.takesTurns(now: UInt64(second) * 1_000_000_000),
            trial.takesTurns(now: UInt64(second + 3) * 1_000_000_000))
        #expect(inTime && !late && !trial.takesTurns)
    }

    @Test func turnsEndOnceMuchIsSentForWhatComes() {
        var run = Run()
        let narrow = run.turns(of: node(sends: 6, receives: 14, inTurns: 22), seconds: 5)
        let wide = run.turns(of: node(sends: 20, receives: 22), seconds: 2)
        #expect(narrow.last == 1000 && wide.last == 0)
    }
}
