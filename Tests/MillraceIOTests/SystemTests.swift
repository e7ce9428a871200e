import Foundation
import Synchronization
import Testing

@testable import MillraceIO

@Suite(.timeLimit(.minutes(5))) struct SystemTests {
    @Test func anErrorNamesCallSubjectAndReason() {
        let error = #expect(throws: SystemError.self) { _ = try System.open("/nowhere/at/all", .readOnly) }
        #expect(error?.description == "open /nowhere/at/all: No such file or directory")
        #expect(SystemError(call: "pwrite", errno: ENOSPC).isNoSpace)
        #expect(SystemError(call: "send", errno: 4711).description == "send: error 4711")
    }

    @Test func interruptedCallsAreTriedAgain() throws {
        var tries = 0
        let result = try System.check("read") { () -> Int in
            tries += 1
            errno = EINTR
            return tries < 4 ? -1 : 7
        }
        #expect(result == 7)
        #expect(tries == 4)
    }

    @Test func aWakeUpEndsAWaitOnceHoweverOftenItWasSignalled() throws {
        let wake = try WakeUp()
        wake.signal()
        wake.signal()
        #expect(try wait(wake, until: deadline(seconds: 10)) == .woken)
        #expect(try wait(wake, until: 0) == [])
    }

    @Test func aWakeUpFromAnotherThreadEndsAWait() throws {
        let wake = try WakeUp()
        let thread = try WorkerThread.start(name: "waker") { wake.signal() }
        #expect(try wait(wake, until: nil) == .woken)
        thread.join()
    }

    @Test func aThreadHasItsNameAndLeavesSignalsToTheMainThread() throws {
        let seen = Mutex((name: "", isBlocked: false))
        let thread = try WorkerThread.start(name: "a name that is too long") {
            var mask = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &mask)
            let name = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
            seen.withLock { $0 = (name ?? "", sigismember(&mask, SIGINT) == 1) }
        }
        thread.join()
        let (name, isBlocked) = seen.withLock { $0 }
        #expect(name == "a name that is \n")
        #expect(isBlocked)
    }

    @Test func theMonotonicClockNeverGoesBack() {
        let times = (0..<1000).map { _ in MonotonicClock.nowNanoseconds }
        #expect(times == times.sorted())
        #expect(WallClock.secondsSince1970 > 1.7e9)
    }

    private func wait(_ wake: WakeUp, until deadline: UInt64?) throws -> WaitPoint.Ready {
        try WaitPoint.wait(
            socket: -1, forReading: false, forWriting: false, wake: wake, untilNanoseconds: deadline)
    }
}
