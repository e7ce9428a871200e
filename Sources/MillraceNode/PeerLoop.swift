import MillraceIO
import MillraceStore
import MillraceSwarm
import MillraceWire

/// The main thread of a peer: timers, the summary file, the log, and the end of the run.
struct PeerLoop {
    let node: PeerNode
    private var summarised = 0
    private var summaryAt: UInt64 = 0
    private var isFinishing = false
    private var status = ServiceStatus()

    init(node: PeerNode) {
        self.node = node
    }

    /// Returns when the run is over: nil if all is well.
    mutating func run(interrupt: CInt) -> NodeFailure? {
        status.ready()
        let failure = turns(interrupt: interrupt)
        status.stopping(failure)
        return failure
    }

    private mutating func turns(interrupt: CInt) -> NodeFailure? {
        while true {
            let now = MonotonicClock.nowNanoseconds
            status.tell(node.statusText, now: now)
            tick(now: now)
            writeSummary(now: now)
            startFinishing()
            if let end = end(now: now) {
                writeSummary(now: .max)
                return end.failure
            }
            let ready = wait(interrupt: interrupt, until: min(status.lookNanoseconds, nextDeadline(now: now)))
            if ready.contains(.readable) {
                writeSummary(now: .max)
                if node.state.withLock({ $0.phase == .complete }) { return nil }
                return NodeFailure(.interrupted, "interrupted; the same command goes on from here")
            }
        }
    }

    private func wait(interrupt: CInt, until deadline: UInt64) -> WaitPoint.Ready {
        node.mainDeadline.store(deadline, ordering: .sequentiallyConsistent)
        // Whoever set an earlier one before that store took this thread for awake.
        let deadline = min(deadline, node.deadline.load(ordering: .sequentiallyConsistent))
        defer { node.mainDeadline.store(0, ordering: .relaxed) }
        let wakeAt = max(deadline, MonotonicClock.nowNanoseconds + 1_000_000)
        let ready = try? WaitPoint.wait(
            socket: interrupt, forReading: interrupt >= 0, forWriting: false, wake: node.wake,
            untilNanoseconds: wakeAt)
        waited(until: wakeAt, now: MonotonicClock.nowNanoseconds)
        return ready ?? []
    }

    /// The time-outs begin anew after a standstill.
    func waited(until deadline: UInt64, now: UInt64) {
        guard Standstill.was(now: now, afterWaitUntil: deadline) else { return }
        node.state.withLock { state in
            state.lastProgress = now
            if state.loneSince != nil { state.loneSince = now }
        }
    }

    private func tick(now: UInt64) {
        node.trySourcesAgain(now: now)
        guard node.deadline.load(ordering: .relaxed) <= now else { return }
        node.update { state, effects in
            node.decide(&state, &effects) { $0.tick(at: now, into: &$1) }
        }
    }

    private func nextDeadline(now: UInt64) -> UInt64 {
        let timeout = node.options.common.timeoutNanoseconds
        let atEnd = node.state.withLock { state in
            switch state.phase {
            case .waiting, .fetching:
                min(
                    state.lastProgress.adding(timeout), state.loneSince?.adding(timeout) ?? .max,
                    state.sourcesTriedAgainAt ?? .max)
            case .complete: lingerEnd(state)
            case .assembling, .leaving: UInt64.max
            }
        }
        let summary = node.journalCount.load(ordering: .relaxed) > summarised ? summaryAt : .max
        return min(node.deadline.load(ordering: .relaxed), min(atEnd, summary))
    }

    private func lingerEnd(_ state: PeerState) -> UInt64 {
        max(state.statistics.completed ?? 0, state.lastProgress).adding(node.options.common.lingerNanoseconds)
    }

    func end(now: UInt64) -> (failure: NodeFailure?, Void)? {
        node.state.withLock { state in
            if let failure = state.failure { return (failure, ()) }
            switch state.phase {
            case .complete:
                if state.isReleased || now >= lingerEnd(state) { return (nil, ()) }
            case .waiting, .fetching:
                let timeout = node.options.common.timeoutNanoseconds
                let isOver = now >= state.lastProgress.adding(timeout)
                if state.phase == .fetching, let since = state.loneSince, isOver || now >= since.adding(timeout) {
                    return (sourcesLost, ())
                }
                if isOver { return (noProgress(state), ()) }
            case .assembling, .leaving: break
            }
            return nil
        }
    }

    private var sourcesLost: NodeFailure {
        NodeFailure(
            .sourcesLost,
            "the owner at \(node.options.owner) and all neighbours are lost; start the owner again, then the same"
                + " command goes on from here")
    }

    private func noProgress(_ state: PeerState) -> NodeFailure {
        let seconds = node.options.common.timeoutText
        if state.phase == .waiting {
            return NodeFailure(
                .network,
                "no owner at \(node.options.owner) within \(seconds) s; start it, or wait longer with --timeout")
        }
        return NodeFailure(.noProgress, "nothing new for \(seconds) s; the same command goes on from here")
    }

    /// Appends to the summary what was verified since; at most twice a second.
    private mutating func writeSummary(now: UInt64) {
        let count = node.journalCount.load(ordering: .acquiring)
        guard count > summarised, now >= summaryAt else { return }
        summaryAt = MonotonicClock.nowNanoseconds + NodeLimits.summaryNanoseconds
        let mark = summarised
        let (content, runs) = node.state.withLock { state in
            // From then on the thread that puts the file together writes the summary, whole.
            guard state.phase == .fetching else { return (nil as PeerContent?, [] as [Range<ChunkID>]) }
            return (state.content, ChunkIDList.runs(of: Array(state.journal[mark..<count])))
        }
        summarised = count
        do throws(StoreError) {
            try content?.folder.summary.append(runs)
        } catch {
            node.fail(NodeFailure(error))
        }
    }

    /// Once all chunks are here and the manifest is closed, a thread of its own puts the file together.
    private mutating func startFinishing() {
        guard !isFinishing else { return }
        let isReady = node.state.withLock { state in
            guard state.phase == .fetching, state.policy?.isComplete == true else { return false }
            guard state.manifest?.contentID != nil else { return false }
            state.phase = .assembling
            return true
        }
        guard isReady else { return }
        isFinishing = true
        let node = node
        do throws(SystemError) {
            _ = try WorkerThread.start(name: "finish") { node.finish() }
        } catch {
            node.fail(NodeFailure(network: error))
        }
    }
}

extension UInt64 {
    /// The sum, or the largest number where it does not fit.
    func adding(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}

extension CommonOptions {
    var timeoutNanoseconds: UInt64 { timeoutSeconds <= 0 ? .max : nanoseconds(timeoutSeconds) }
    /// The time-out in seconds as a person would write it: `30`, `0.5`.
    var timeoutText: String {
        let text = "\(timeoutSeconds)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    var lingerNanoseconds: UInt64 { nanoseconds(lingerSeconds) }

    private func nanoseconds(_ seconds: Double) -> UInt64 {
        UInt64(exactly: (min(max(seconds, 0), 1e9) * 1e9).rounded()) ?? .max
    }
}
