import MillraceIO
import MillraceStore
import MillraceSwarm
import MillraceWire
import Synchronization

/// A peer: fetches a file from an owner and other peers, passes it on, verifies it, gives it its name.
///
/// Threads: the caller's runs timers and ends the run; one accepts; one talks to the owner; one for each source and
/// each client. All share one state behind one lock, which is never held across a system call.
public final class PeerNode: Sendable {
    let options: PeerOptions
    /// The folder, which is this node's from its start on, and who it says this peer is.
    let folderLock: FolderLock
    private let identity: Lock<NodeToken>
    let transportChoice: TransportChoice
    public let rates: NodeRates
    let log: EventLog
    let wake: WakeUp
    /// Signalled when the log has something to write.
    let consoleWake: WakeUp
    /// Ends the pauses and connects of the thread that talks to the owner.
    let ownerWake: WakeUp
    let state = Lock(PeerState())
    let listenPort: UInt16
    private let listener: Listener

    /// The length of the journal, so that connections can look for news without the lock.
    let journalCount = Atomic(0)
    /// How far apart announcements to neighbours, and those to the owner, go out.
    let announceNanoseconds = Atomic<UInt64>(0)
    let ownerAnnounceNanoseconds = Atomic<UInt64>(0)
    /// When the policy wants its next tick, and when the main thread will wake by itself.
    let deadline = Atomic(UInt64.max)
    let mainDeadline = Atomic(UInt64.max)
    let threadCount = Atomic(0)
    /// That a source can't be reached has been said where everybody sees it.
    let hasToldOfFirewall = Atomic(false)

    /// Takes the folder and opens the listening port; nothing runs yet.
    public init(_ options: PeerOptions) throws(NodeFailure) {
        self.options = options
        rates = NodeRates(options.common)
        DescriptorBudget.prepare()
        do throws(StoreError) {
            folderLock = try FolderLock(path: options.common.folder)
            identity = Lock(try NodeIdentity.token(in: folderLock))
        } catch {
            throw NodeFailure(error)
        }
        do throws(SystemError) {
            wake = try WakeUp()
            ownerWake = try WakeUp()
            let consoleWake = try WakeUp()
            self.consoleWake = consoleWake
            listener = try Listener(host: options.listen.host, port: options.listen.port)
            listenPort = listener.port
            log = EventLog(role: .peer, options: options.common.log, hasConsole: true) { consoleWake.signal() }
        } catch {
            throw NodeFailure(listeningOn: options.listen, error)
        }
        transportChoice = TransportChoice.choose(
            options.common.transport, forChunkFiles: options.common.storeKind == .chunks)
        log.notice("listening on port \(listenPort), sending by \(transportChoice)")
    }

    /// Runs until the file is complete and nobody needs this peer any more, or until it can't go on.
    ///
    /// - Parameter interrupt: a descriptor that becomes readable when the run shall end early; -1 for none.
    public func run(interrupt: CInt = -1) throws(NodeFailure) -> PeerReport {
        state.withLock { state in
            state.statistics.started = MonotonicClock.nowNanoseconds
            state.lastProgress = state.statistics.started
        }
        let console: ConsoleThread
        do throws(SystemError) {
            console = try ConsoleThread.start(log, wake: consoleWake, mode: options.common.log.progress) {
                .peer(self.progress)
            }
        } catch {
            throw NodeFailure(network: error)
        }
        defer { console.stop(interrupt: interrupt) }
        do throws(SystemError) {
            _ = try WorkerThread.start(name: "accept") { self.accept() }
            _ = try WorkerThread.start(name: "owner") { self.talkToOwner() }
        } catch {
            throw NodeFailure(.network, "\(error)")
        }
        var loop = PeerLoop(node: self)
        let failure = loop.run(interrupt: interrupt)
        leave(failure == nil ? .done : .leaving)
        if let failure, !(failure.code == .interrupted && isComplete) {
            if failure.code == .integrity { discard() }
            throw failure
        }
        return report
    }

    /// The file is verified and has its name: with that there is nothing to go on with.
    private var isComplete: Bool { state.withLock { $0.statistics.completed != nil } }

    /// What the run has come to so far; also good after a run that failed.
    public var report: PeerReport { state.withLock { PeerReport($0, transport: transportChoice) } }

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

    /// The same in every run with this folder, so that a peer which was killed is known when it comes back.
    var token: NodeToken { identity.withLock { $0 } }

    /// Another node goes by the same token: this one takes a new one.
    func renewToken() {
        let token = (try? NodeIdentity.renew(in: folderLock)) ?? .random()
        identity.withLock { $0 = token }
    }

    var isLeaving: Bool { state.withLock { $0.phase == .leaving } }

    /// Ends the run with this reason, the first one given.
    func fail(_ failure: NodeFailure) {
        update { state, effects in
            // With the whole file verified and in its place nothing that anybody says makes this run a failure.
            guard state.phase != .complete else { return }
            if state.failure == nil { state.failure = failure }
            effects.wakesMain = true
        }
    }

    /// Says goodbye everywhere and waits, for a moment, until the threads are gone.
    private func leave(_ code: GoodbyeCode) {
        update { state, effects in
            state.phase = .leaving
            var links = state.sources.map(\.link) + state.clients.map(\.link)
            if let owner = state.ownerConnection { links.append(owner) }
            for link in links {
                _ = link.post(goodbye: code, code == .done ? "done" : "ended early")
                // Also where the thread does not wait for mail, but to connect or to try again.
                effects.wake(link, if: true)
            }
        }
        ownerWake.signal()
        let deadline = MonotonicClock.nowNanoseconds + 2 * NodeLimits.goodbyeNanoseconds
        while threadCount.load(ordering: .acquiring) > 0, MonotonicClock.nowNanoseconds < deadline {
            _ = try? WaitPoint.wait(
                socket: -1, forReading: false, forWriting: false, wake: wake,
                untilNanoseconds: min(deadline, MonotonicClock.nowNanoseconds + 20_000_000))
        }
    }
}
