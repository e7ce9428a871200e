import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

@Suite struct LivenessTests {
    private let start: UInt64 = 1_000_000_000_000

    private func check(
        _ liveness: inout Liveness, _ now: UInt64, isEstablished: Bool = true
    ) throws -> (UInt64, [UInt64]) {
        var pings: [UInt64] = []
        let next = try liveness.check(now: now, isEstablished: isEstablished) { pings.append($0) }
        return (next, pings)
    }

    @Test func withoutAHelloTheHandshakeTimeEndsIt() throws {
        var liveness = Liveness(now: start)
        let deadline = start + NodeLimits.handshakeNanoseconds
        #expect(try check(&liveness, start, isEstablished: false).0 == deadline)
        liveness.received(now: deadline - 1)
        #expect(try check(&liveness, deadline - 1, isEstablished: false).0 == deadline)
        let end = #expect(throws: ConnectionEnd.self) { _ = try check(&liveness, deadline, isEstablished: false) }
        #expect(end?.code == .timedOut)
    }

    @Test func silenceIsAskedAboutAndThenEndsIt() throws {
        var liveness = Liveness(now: start)
        let pingAt = start + NodeLimits.pingNanoseconds
        #expect(try check(&liveness, start).1.isEmpty)
        #expect(try check(&liveness, start).0 == pingAt)
        #expect(try check(&liveness, pingAt).1.count == 1)
        #expect(try check(&liveness, pingAt + 1).1.isEmpty)
        #expect(try check(&liveness, pingAt + NodeLimits.pingNanoseconds).1.count == 1)
        let end = #expect(throws: ConnectionEnd.self) {
            _ = try check(&liveness, start + NodeLimits.silenceNanoseconds)
        }
        #expect(end?.code == .timedOut)
    }

    @Test func aSignOfLifeBeginsTheTimeAnew() throws {
        var liveness = Liveness(now: start)
        let later = start + NodeLimits.silenceNanoseconds - 1
        liveness.received(now: later)
        #expect(try check(&liveness, later + 1).1.isEmpty)
        #expect(try check(&liveness, later + 1).0 == later + NodeLimits.pingNanoseconds)
    }

    @Test func aSlowReaderThatTakesChunksIsAlive() throws {
        var liveness = Liveness(now: start)
        liveness.sent(now: start + NodeLimits.silenceNanoseconds - 1)
        _ = try check(&liveness, start + NodeLimits.silenceNanoseconds)
    }
}

@Suite(.timeLimit(.minutes(5))) struct BackoffTests {
    private func pause(_ backoff: inout Backoff, after lasted: UInt64 = 0) -> UInt64 {
        let start = MonotonicClock.nowNanoseconds
        backoff.pause(after: lasted, wake: nil)
        return MonotonicClock.nowNanoseconds - start
    }

    @Test func pausesDoubleAndBeginAnewAfterAConnectionThatLasted() {
        var backoff = Backoff()
        let first = NodeLimits.firstRetryNanoseconds
        #expect(pause(&backoff) >= first)
        #expect(pause(&backoff) >= 2 * first)
        #expect(pause(&backoff) >= 4 * first)
        let anew = pause(&backoff, after: NodeLimits.longestRetryNanoseconds + 1)
        #expect(anew >= first && anew < 8 * first)
    }

    @Test func aWakeUpEndsThePause() throws {
        var backoff = Backoff()
        for _ in 0..<4 { _ = pause(&backoff) }
        let wake = try WakeUp()
        wake.signal()
        let start = MonotonicClock.nowNanoseconds
        backoff.pause(after: 0, wake: wake)
        #expect(MonotonicClock.nowNanoseconds - start < 16 * NodeLimits.firstRetryNanoseconds)
    }
}

extension ConnectionEnd {
    /// The goodbye code that this side ends the connection with; nil where it says none.
    var code: GoodbyeCode? {
        switch self {
        case .ended(let code, _): code
        case .peerFault(let fault): fault.goodbyeCode
        case .closed, .saidGoodbye, .failed: nil
        }
    }
}

@Suite struct DeadlineTests {
    @Test func sumsThatDoNotFitAreTheLatestTime() {
        #expect(UInt64.max.adding(1) == .max)
        #expect(UInt64(1).adding(2) == 3)
    }

    @Test func secondsOfAnySizeAreNanosecondsOrForEver() {
        var options = CommonOptions(folder: "")
        let longest: UInt64 = 1_000_000_000_000_000_000
        for (seconds, nanoseconds) in [(0.0, UInt64.max), (-1, .max), (0.5, 500_000_000), (1e300, longest)] {
            options.timeoutSeconds = seconds
            #expect(options.timeoutNanoseconds == nanoseconds)
        }
        for (seconds, nanoseconds) in [(0.0, UInt64(0)), (-1, 0), (30, 30_000_000_000), (.infinity, longest)] {
            options.lingerSeconds = seconds
            #expect(options.lingerNanoseconds == nanoseconds)
        }
    }
}
