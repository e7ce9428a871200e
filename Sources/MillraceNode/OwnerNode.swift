import MillraceIO
import MillraceStore
import MillraceSwarm
import MillraceWire
import Synchronization

/// An owner: splits and hashes a file ahead of sending it, hands every chunk out once, keeps the roster.
///
/// Threads: the caller's runs timers and ends the run; one accepts; one splits and hashes; one for each client.
public final class OwnerNode: Sendable {
    let options: OwnerOptions
    let token = NodeToken.random()
    let swarm = NodeToken.random()
    let file: OfferedFile
    let layout: ChunkLayout
    let folder: OwnerFolder
    let transportChoice: TransportChoice
    public let rates: NodeRates
    /// Digests for those that take no part yet.
    let idleDigests = RateLimiter(
        bytesPerSecond: NodeLimits.idleDigestBytesPerSecond, burstNanoseconds: NodeLimits.sendBurstNanoseconds)
    let log: EventLog
    let wake: WakeUp
    /// Signalled when the log has something to write.
    let consoleWake: WakeUp
    let state: Lock<OwnerState>
    public let listenPort: UInt16
    private let listener: Listener

    /// Digests known, and those that should be with the peers by now, so that connections can look for news without
    /// the lock.
    let coveredChunkCount = Atomic<UInt32>(0)
    let digestTarget: Atomic<UInt32>
    let isManifestClosed = Atomic(false)
    let deadline = Atomic(UInt64.max)
    let threadCount = Atomic(0)

    /// Opens the file, the folder and the listening port; nothing runs yet.
    public init(_ options: OwnerOptions) throws(NodeFailure) {
        self.options = options
        rates = NodeRates(options.common)
        DescriptorBudget.prepare()
        do throws(StoreError) {
            file = try OfferedFile(path: options.file)
            guard OutputName.isPlain(file.name) else { throw .badSourceName(file.name) }
            layout = try file.layout(chunkByteCount: options.chunkByteCount)
            folder = try OwnerFolder.open(
                path: options.common.folder, kind: options.common.storeKind, file: file, layout: layout)
        } catch {
            throw NodeFailure(error)
        }
        let state = OwnerState(layout: layout)
        digestTarget = Atomic(state.policy.digestTarget)
        self.state = Lock(state)
        do throws(SystemError) {
            wake = try WakeUp()
            let consoleWake = try WakeUp()
            self.consoleWake = consoleWake
            listener = try Listener(host: options.listen.host, port: options.listen.port)
            listenPort = listener.port
            log = EventLog(role: .owner, options: options.common.log, hasConsole: true) { consoleWake.signal() }
        } catch {
            throw NodeFailure(listeningOn: options.listen, error)
        }
        transportChoice = TransportChoice.choose(
            options.common.transport, forChunkFiles: options.common.storeKind == .chunks)
        log.notice(
            "serving \(file.name), \(file.byteCount) bytes in \(layout.chunkCount) chunks, on port \(listenPort),"
                + " sending by \(transportChoice)")
    }

    /// Runs until the peers are done, or until it can't go on.
    ///
    /// - Parameter interrupt: a descriptor that becomes readable when the run shall end early; -1 for none.
    public func run(interrupt: CInt = -1) throws(NodeFailure) -> OwnerReport {
        state.withLock { state in
            state.started = MonotonicClock.nowNanoseconds
            state.lastProgress = state.started
        }
        let console: ConsoleThread
        do throws(SystemError) {
            console = try ConsoleThread.start(log, wake: consoleWake, mode: options.common.log.progress) {
                .owner(self.progress)
            }
        } catch {
            throw NodeFailure(network: error)
        }
        defer { console.stop(interrupt: interrupt) }
        do throws(SystemError) {
            _ = try WorkerThread.start(name: "accept") { self.accept() }
            _ = try WorkerThread.start(name: "split") { Splitter(node: self).run() }
        } catch {
            throw NodeFailure(network: error)
        }
        let announcer = options.isAnnounced ? try Announcer(node: self) : nil
        defer { announcer?.stop() }
        do throws(SystemError) {
            try announcer?.start()
        } catch {
            throw NodeFailure(network: error)
        }
        let failure = OwnerLoop(node: self).run(interrupt: interrupt)
        leave(failure)
        if let failure { throw failure }
        return report
    }

    /// What the run has come to so far; also good after a run that failed.
    public var report: OwnerReport {
        state.withLock { OwnerReport($0, name: file.name, transport: transportChoice) }
    }

    /// Prints the report and puts it into the log file.
    ///
    /// - Parameter interrupt: as of `run`: once it is readable nobody is waited for who should read.
    public func tellReport(interrupt: CInt = -1) {
        let report = report
        log.report(text: report.text, json: report.json, interrupt: interrupt)
    }

    private func accept() {
        AcceptLoop(census: Census()) { self.serve($0) }.run(listener) { isLeaving }
    }

    var isLeaving: Bool { state.withLock { $0.isLeaving } }

    func fail(_ failure: NodeFailure) {
        update { state, effects in
            if state.failure == nil { state.failure = failure }
            effects.wakesMain = true
        }
    }

    /// Tells everybody that all are done, or that this owner goes; waits for them for a moment.
    private func leave(_ failure: NodeFailure?) {
        let code: GoodbyeCode = failure?.code == .fileFault ? .sourceFailed : .leaving
        update { state, effects in
            state.isLeaving = true
            for member in state.members {
                guard let link = member.link else { continue }
                let needed =
                    failure == nil ? link.post(.finished) : link.post(goodbye: code, "the owner ends early")
                effects.wake(link, if: needed)
            }
            for stranger in state.strangers {
                effects.wake(stranger.link, if: stranger.link.post(goodbye: .leaving, "the owner is done"))
            }
        }
        waitForThreads(NodeLimits.goodbyeNanoseconds)
        update { state, effects in
            for member in state.members {
                guard let link = member.link else { continue }
                effects.wake(link, if: link.post(goodbye: .done, "all peers have the file"))
            }
        }
        waitForThreads(NodeLimits.goodbyeNanoseconds)
    }

    private func waitForThreads(_ nanoseconds: UInt64) {
        let deadline = MonotonicClock.nowNanoseconds + nanoseconds
        while threadCount.load(ordering: .acquiring) > 0, MonotonicClock.nowNanoseconds < deadline {
            _ = try? WaitPoint.wait(
                socket: -1, forReading: false, forWriting: false, wake: wake,
                untilNanoseconds: min(deadline, MonotonicClock.nowNanoseconds + 20_000_000))
        }
    }
}

extension OwnerNode {
    /// Changes the state under the lock, then does what follows from it without.
    @discardableResult
    func update<Result: Sendable>(_ body: (inout OwnerState, inout OwnerEffects) -> Result) -> Result {
        let (result, effects) = state.withLock { state in
            var effects = OwnerEffects()
            let result = body(&state, &effects)
            return (result, effects)
        }
        let wakes = effects.wakes
        wakes.signal()
        if effects.wakesMain { wake.signal() }
        for notice in effects.notices { log.notice(notice) }
        return result
    }

    /// Runs one event of the policy, lets it bind what can be bound, and turns its decisions into mail.
    func decide(
        _ state: inout OwnerState, _ effects: inout OwnerEffects, now: UInt64,
        _ event: (inout OwnerPolicy, inout [OwnerAction]) -> Void
    ) {
        var actions: [OwnerAction] = []
        event(&state.policy, &actions)
        state.policy.pump(at: now, into: &actions)
        for action in actions { perform(action, &state, &effects) }
        let target = state.policy.digestTarget
        if target > digestTarget.exchange(target, ordering: .acquiringAndReleasing) { wakeForNews(state, &effects) }
        let due = state.policy.nextDeadline(at: now) ?? .max
        if due < deadline.exchange(due, ordering: .relaxed) { effects.wakesMain = true }
    }

    /// Digests are there to be sent, or the content ID is.
    func wakeForNews(_ state: OwnerState, _ effects: inout OwnerEffects) {
        for member in state.members {
            guard let link = member.link else { continue }
            effects.wake(link, if: link.takesNews())
        }
    }

    private func perform(_ action: OwnerAction, _ state: inout OwnerState, _ effects: inout OwnerEffects) {
        switch action {
        case .grant(let peer, let chunk): order(chunk, .grant, to: peer, state, &effects)
        case .send(let peer, let chunk): order(chunk, .chunk, to: peer, state, &effects)
        case .ask(let peer, let chunk, let source):
            guard let link = state.link(of: peer) else { return }
            effects.wake(link, if: link.post(.ask(chunk, peer: source)))
        case .evict(let peer):
            guard let link = state.link(of: peer) else { return }
            effects.notice("peer \(peer) is evicted: others say that it sends bad chunks")
            effects.wake(link, if: link.post(goodbye: .evicted, "others say that you send bad chunks"))
        }
    }

    private func order(
        _ chunk: ChunkID, _ type: MessageType, to peer: PeerIndex, _ state: OwnerState, _ effects: inout OwnerEffects
    ) {
        guard let link = state.link(of: peer) else { return }
        effects.wake(link, if: link.post { $0.chunks.append(Link.ChunkOrder(chunk: chunk, type: type)) })
    }
}
