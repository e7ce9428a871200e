import MillraceIO
import MillraceWire

/// The main thread of an owner: timers, the log, and the end of the run.
struct OwnerLoop {
    let node: OwnerNode

    /// Returns when the run is over: nil if all is well.
    func run(interrupt: CInt) -> NodeFailure? {
        var status = ServiceStatus()
        status.ready()
        let failure = turns(interrupt: interrupt, &status)
        status.stopping(failure)
        return failure
    }

    private func turns(interrupt: CInt, _ status: inout ServiceStatus) -> NodeFailure? {
        while true {
            let now = MonotonicClock.nowNanoseconds
            status.tell(node.statusText, now: now)
            if node.deadline.load(ordering: .relaxed) <= now {
                node.update { state, effects in node.decide(&state, &effects, now: now) { _, _ in } }
            }
            if let end = end(now: now) { return end.failure }
            let wakeAt = max(min(nextDeadline(), status.lookNanoseconds), now + 1_000_000)
            let ready = try? WaitPoint.wait(
                socket: interrupt, forReading: interrupt >= 0, forWriting: false, wake: node.wake,
                untilNanoseconds: wakeAt)
            if ready?.contains(.readable) == true { return NodeFailure(.interrupted, "interrupted") }
            waited(until: wakeAt, now: MonotonicClock.nowNanoseconds)
        }
    }

    /// The time-out begins anew after a standstill.
    func waited(until deadline: UInt64, now: UInt64) {
        guard Standstill.was(now: now, afterWaitUntil: deadline) else { return }
        node.state.withLock { $0.lastProgress = now }
    }

    private func nextDeadline() -> UInt64 {
        let atEnd = node.state.withLock { state in
            isAtRest(state) ? restEnd(state) : state.lastProgress.adding(node.options.common.timeoutNanoseconds)
        }
        return min(atEnd, node.deadline.load(ordering: .relaxed))
    }

    func end(now: UInt64) -> (failure: NodeFailure?, Void)? {
        node.state.withLock { state in
            if let failure = state.failure { return (failure, ()) }
            if isAtRest(state) {
                return now >= restEnd(state) ? (nil, ()) : nil
            }
            guard now >= state.lastProgress.adding(node.options.common.timeoutNanoseconds) else { return nil }
            guard !state.hasAssemblingMember else {
                state.lastProgress = now
                return nil
            }
            let seconds = node.options.common.timeoutText
            let what = state.members.isEmpty ? "no peer came" : "no peer made progress"
            return (NodeFailure(.noProgress, "\(what) for \(seconds) s; --timeout 0 waits for ever"), ())
        }
    }

    /// All that were to have the file have it.
    private func isAtRest(_ state: OwnerState) -> Bool {
        if node.options.peerCount == nil, state.hasIncompleteMember { return false }
        return state.completedCount >= node.options.peerCount ?? 1
    }

    /// With a stated number of peers the end is at once, unless one more is half-way: it has the linger time, and so
    /// have those who come late where no number is stated.
    private func restEnd(_ state: OwnerState) -> UInt64 {
        let linger = node.options.common.lingerNanoseconds
        guard node.options.peerCount != nil else { return state.lastProgress.adding(linger) }
        return state.hasIncompleteMember ? (state.members.compactMap(\.completed).max() ?? 0).adding(linger) : 0
    }
}
