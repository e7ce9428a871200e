import MillraceIO
import MillraceSwarm
import MillraceWire

/// What is left to do once the lock is free: wake threads, start threads, write to the log.
struct PeerEffects {
    fileprivate var wakes = WakeList()
    fileprivate var connects: [SourceRecord] = []
    fileprivate var requests: [(peer: PeerIndex, chunk: ChunkID)] = []
    fileprivate var creditCount: UInt32 = 0
    fileprivate var notices: [(text: String, level: LogOptions.Level)] = []
    /// The main thread has an earlier deadline now, or something to look at.
    var wakesMain = false

    mutating func notice(_ text: String, level: LogOptions.Level = .normal) { notices.append((text, level)) }

    mutating func wake(_ link: Link, if needed: Bool) { wakes.add(link, if: needed) }
}

extension PeerNode {
    /// Changes the state under the lock, then does what follows from it without.
    @discardableResult
    func update<Result: Sendable>(_ body: (inout PeerState, inout PeerEffects) -> Result) -> Result {
        let (result, effects) = state.withLock { state in
            var effects = PeerEffects()
            let result = body(&state, &effects)
            return (result, effects)
        }
        carryOut(effects)
        return result
    }

    /// Runs one event of the policy and turns its decisions into mail for the connections they concern.
    func decide(
        _ state: inout PeerState, _ effects: inout PeerEffects,
        _ event: (inout PeerPolicy, inout [PeerAction]) -> Void
    ) {
        guard state.policy != nil else { return }
        var actions: [PeerAction] = []
        event(&state.policy!, &actions)
        for action in actions { perform(action, &state, &effects) }
        let due = state.policy!.nextDeadline ?? .max
        deadline.store(due, ordering: .sequentiallyConsistent)
        if due < mainDeadline.load(ordering: .sequentiallyConsistent) { effects.wakesMain = true }
    }

    private func perform(_ action: PeerAction, _ state: inout PeerState, _ effects: inout PeerEffects) {
        switch action {
        case .request(let peer, let chunk):
            guard let source = state.source(peer) else { return }
            effects.wake(source.link, if: source.link.post(.request(first: chunk, count: 1)))
            effects.requests.append((peer, chunk))
        case .cancel(let peer, let chunk):
            guard let source = state.source(peer) else { return }
            effects.wake(source.link, if: source.link.post(.cancel(chunk)))
        case .credit(let count):
            guard let owner = state.ownerLink else { return }
            effects.wake(owner, if: owner.post(.credit(count: UInt32(count))))
            effects.creditCount += UInt32(count)
        case .rescue(let chunk, let peer):
            guard let owner = state.ownerLink else { return }
            effects.wake(owner, if: owner.post(.rescue(chunk, from: peer)))
        case .accuse(let peer, let chunk):
            guard let owner = state.ownerLink else { return }
            effects.wake(owner, if: owner.post(.bad(chunk, from: peer)))
        case .connect(let peer):
            guard state.phase != .leaving, state.source(peer) == nil else { return }
            guard let link = try? Link() else { return trySourcesLater(&state, &effects) }
            let record = SourceRecord(peer: peer, link: link)
            state.sources.append(record)
            effects.connects.append(record)
        case .disconnect(let peer):
            guard let index = state.sources.firstIndex(where: { $0.peer == peer && !$0.isDropped }) else { return }
            state.sources[index].isDropped = true
            if state.policy?.isComplete == false { state.statistics.replaced(peer) }
            let link = state.sources[index].link
            effects.wake(link, if: link.post(goodbye: .leaving, "no longer a source"))
        case .noteSilence(let peer): state.statistics.fellSilent(peer)
        case .noteWeakness(let peer): state.statistics.gaveLittle(peer)
        case .noteTrial(let peer):
            state.statistics.tried(peer)
            effects.notice("gets less than the others with the sources it has: tries peer \(peer) too", level: .verbose)
        }
    }

    private func carryOut(_ effects: consuming PeerEffects) {
        let (wakes, connects, requests) = (effects.wakes, effects.connects, effects.requests)
        let (notices, creditCount, wakesMain) = (effects.notices, effects.creditCount, effects.wakesMain)
        wakes.signal()
        if wakesMain { wake.signal() }
        for record in connects { startSource(record) }
        for request in requests { log.request(.sent, first: request.chunk, count: 1, .peer(request.peer)) }
        if creditCount > 0 { log.credit(.sent, count: creditCount, .owner) }
        for notice in notices { log.notice(notice.text, level: notice.level) }
    }
}
