import MillraceIO
import MillraceSwarm
import MillraceWire
import Synchronization

/// The download side: one thread for each source.
extension PeerNode {
    /// Starts the thread that fetches from this source.
    func startSource(_ record: SourceRecord) {
        do throws(SystemError) {
            _ = try WorkerThread.start(name: "source") { self.fetch(record) }
        } catch {
            log.notice("no thread for source \(record.peer): \(error)")
            update { state, effects in
                state.sources.removeAll { $0.link === record.link }
                trySourcesLater(&state, &effects)
            }
        }
    }

    /// There is no descriptor or no thread for a source now.
    func trySourcesLater(_ state: inout PeerState, _ effects: inout PeerEffects) {
        guard state.sourcesTriedAgainAt == nil else { return }
        state.sourcesTriedAgainAt = MonotonicClock.nowNanoseconds + NodeLimits.longestRetryNanoseconds
        effects.wakesMain = true
    }

    /// Connects to the sources that the ring gives this peer and that could not be tried before, if it is time to.
    func trySourcesAgain(now: UInt64) {
        update { state, effects in
            guard let due = state.sourcesTriedAgainAt, now >= due else { return }
            state.sourcesTriedAgainAt = nil
            guard state.phase == .fetching else { return }
            decide(&state, &effects) { $0.rosterChanged($0.ring, at: now, into: &$1) }
        }
    }

    /// Connects, fetches, and connects again until the source is no longer wanted.
    private func fetch(_ record: SourceRecord) {
        threadCount.add(1, ordering: .relaxed)
        defer { threadCount.subtract(1, ordering: .releasing) }
        var retry = Backoff()
        while isWanted(record), let address = address(of: record) {
            let started = MonotonicClock.nowNanoseconds
            var isRefused = false
            do throws(SystemError) {
                let socket = try Socket.connect(
                    to: address, timeoutNanoseconds: NodeLimits.connectNanoseconds, wake: record.link.wake)
                let handler = DownloadHandler(
                    node: self, record: record, roundTripNanoseconds: socket.leastRoundTripNanoseconds)
                let rates = ConnectionRates(fetching: self.rates, socket)
                let transport = try transportChoice.transport(for: socket)
                var connection = Connection(
                    socket: socket, link: record.link, transport: transport, handler: handler, rates: rates)
                let end = connection.run()
                isRefused = end.isRefusal
                lost(record, end)
            } catch {
                tellUnreached(record.peer, address, error)
                let now = MonotonicClock.nowNanoseconds
                update { state, effects in
                    decide(&state, &effects) { $0.unreached(record.peer, at: now, into: &$1) }
                }
            }
            guard isWanted(record) else { break }
            retry.pause(
                after: MonotonicClock.nowNanoseconds - started, isRefused: isRefused, wake: record.link.wake)
        }
        forgetSource(record.peer)
    }

    /// The first that a firewall may have kept away is everybody's business: without sources all bytes come from the
    /// owner.
    private func tellUnreached(_ peer: PeerIndex, _ address: SocketAddress, _ error: SystemError) {
        let isFirst = error.isPerhapsAFirewall && !hasToldOfFirewall.exchange(true, ordering: .relaxed)
        let advice = error.isPerhapsAFirewall ? "; if it runs, open its port in the firewall" : ""
        log.notice("no way to peer \(peer) at \(address) (\(error))\(advice)", level: isFirst ? .normal : .verbose)
    }

    private func lost(_ record: SourceRecord, _ end: ConnectionEnd) {
        let now = MonotonicClock.nowNanoseconds
        log.notice("source \(record.peer): \(end.text)", level: .verbose)
        update { state, effects in
            // From here on nothing is posted until the next connection is up; what was is not for that one.
            defer { _ = record.link.take() }
            // One that was dropped the policy has left already, and may have gone back to by another connection.
            guard state.source(record.peer)?.link === record.link else { return }
            let isSource = state.policy?.isSource(record.peer) ?? false
            decide(&state, &effects) { $0.sourceLost(record.peer, at: now, into: &$1) }
            guard isSource else { return }
            noteLoneliness(&state, now: now)
            guard state.phase == .fetching else { return }
            state.statistics.lost(record.peer, end.text)
        }
    }

    private func forgetSource(_ peer: PeerIndex) {
        update { state, _ in
            let isListed = isListed(peer, state)
            state.sources.removeAll { $0.peer == peer && ($0.isDropped || !isListed) }
        }
    }

    private func isListed(_ peer: PeerIndex, _ state: PeerState) -> Bool {
        state.phase != .leaving && state.policy?.ring.position(of: peer) != nil
    }

    private func isWanted(_ record: SourceRecord) -> Bool {
        state.withLock { state in
            guard state.phase != .leaving, let current = state.source(record.peer) else { return false }
            guard current.link === record.link, isListed(record.peer, state) else { return false }
            return state.policy?.isComplete == false
        }
    }

    private func address(of record: SourceRecord) -> SocketAddress? {
        state.withLock { state in
            guard state.phase != .leaving, let entry = state.policy?.ring.entry(of: record.peer) else { return nil }
            return SocketAddress(entry.address, owner: state.ownerAddress, link: state.ownerLinkNumber)
        }
    }

    /// Notes since when this peer has nobody to fetch from.
    func noteLoneliness(_ state: inout PeerState, now: UInt64) {
        let hasSource = state.sources.contains { state.policy?.isSource($0.peer) ?? false }
        if hasSource || state.ownerLink != nil {
            state.loneSince = nil
        } else if state.loneSince == nil {
            state.loneSince = now
        }
    }
}

/// Pauses between attempts: short at first, doubling, short again after a connection that lasted. Each is up to half
/// as long again, by chance, so that a hundred peers whose switch went dark do not come back in step.
struct Backoff {
    private var pauseNanoseconds = NodeLimits.firstRetryNanoseconds

    init() {}

    /// - Parameter isRefused: the other side said that this one breaks the protocol, and will say so again.
    mutating func pause(after lastedNanoseconds: UInt64, isRefused: Bool = false, wake: WakeUp?) {
        let hasLasted = lastedNanoseconds > NodeLimits.longestRetryNanoseconds
        if hasLasted { pauseNanoseconds = NodeLimits.firstRetryNanoseconds }
        if isRefused { pauseNanoseconds = NodeLimits.longestRetryNanoseconds }
        _ = try? WaitPoint.wait(
            socket: -1, forReading: false, forWriting: false, wake: wake,
            untilNanoseconds: MonotonicClock.nowNanoseconds + pauseNanoseconds
                + .random(in: 0...pauseNanoseconds / 2))
        pauseNanoseconds = min(2 * pauseNanoseconds, NodeLimits.longestRetryNanoseconds)
    }
}

extension ConnectionEnd {
    /// The other side found something wrong with this one: it does not connect again soon (PROTOCOL.md, section 14).
    var isRefusal: Bool {
        guard case .saidGoodbye(let code, _) = self else { return false }
        return [
            .badFrame, .badMagic, .frameTooLong, .unknownType, .unexpectedMessage, .badField, .selfConnection, .evicted,
        ].contains(code)
    }

    var text: String {
        switch self {
        case .closed(let reason): reason
        case .saidGoodbye(let code, let reason): "said goodbye (\(code)): \(reason)"
        case .peerFault(let fault): "broke the protocol: \(fault)"
        case .ended(let code, let reason): "ended (\(code)): \(reason)"
        case .failed(let failure): failure.text
        }
    }
}

extension SystemError {
    /// A connection got no answer, or one from somebody in between.
    var isPerhapsAFirewall: Bool { [.silent, .noRoute, .refused, .notPermitted].contains(advice) }
}
