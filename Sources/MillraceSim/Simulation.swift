import MillraceSwarm
import MillraceWire

/// A LAN in one process: full-duplex access links, a core that is never the bottleneck, and on each machine the policy
/// code of a real node. Time is simulated, in nanoseconds; everything follows from the options.
struct Simulation: ~Copyable {
    let options: SimOptions
    let command: String
    let plan: SimPlan
    let layout: ChunkLayout
    var now: UInt64 = 0
    var queue = EventQueue()
    var generator: SeededGenerator

    /// By node number; the owner is 0.
    var nodes: ContiguousArray<SimNode>
    var connections: ContiguousArray<Connection> = []
    var owner: OwnerPolicy
    var isOwnerThere = true
    /// By peer index, as the owner gave them out.
    var nodeOfPeer: [Int] = []
    var connectionOfPeer: [Int] = []
    var ownerTimerAt: UInt64?
    var isRosterDirty = false
    var hashedCount: ChunkID = 0

    /// How many live peers hold each chunk, and how many chunks nobody holds.
    var holders: [UInt32]
    var unheldCount: Int
    var unfinishedCount = 0
    var endedAt: UInt64 = 0
    var checks: Checks
    let story: StoryTeller
    var eventCount = 0
    var trace = TraceHash()
    var faults: [FaultMark] = []

    let isSomebodyMute: Bool
    /// What `answerLimit` is made of.
    let slowestChunkNanoseconds: UInt64
    let longestSilenceNanoseconds: UInt64

    private var peerActions: [PeerAction] = []
    var ownerActions: [OwnerAction] = []

    init(_ options: SimOptions, command: String, plan: SimPlan, layout: ChunkLayout, tell: ((String) -> Void)?) {
        self.options = options
        self.command = command
        self.plan = plan
        self.layout = layout
        generator = SeededGenerator(seed: options.seed ^ 0x6C62_272E_07BB_0142)
        owner = OwnerPolicy(layout: layout)
        holders = Array(repeating: 0, count: Int(layout.chunkCount))
        unheldCount = Int(layout.chunkCount)
        checks = Checks(layout: layout)
        story = StoryTeller(level: options.story, tell: tell)
        isSomebodyMute = plan.nodes.contains { $0.muteFrom != nil }
        slowestChunkNanoseconds = plan.slowestChunkNanoseconds(options)
        longestSilenceNanoseconds = plan.longestSilenceNanoseconds(options)
        let policy = PeerPolicy(layout: layout, seed: 0)
        let disk = ChunkSet(chunkCount: layout.chunkCount)
        nodes = ContiguousArray(plan.nodes.map { SimNode(plan: $0, policy: policy, disk: disk) })
    }

    mutating func run() -> SimReport {
        schedulePlan()
        let limit = patience
        while unfinishedCount > 0, let event = queue.pop(), event.at <= limit {
            now = event.at
            eventCount += 1
            trace.add(event)
            handle(event)
        }
        checkOldRequests()
        checks.end(onTheirWay: onTheirWay)
        return makeReport()
    }

    /// Long after every fault is over and noticed; who has not ended by then never will.
    private var patience: UInt64 {
        var last: UInt64 = plan.breaksUntil
        for node in plan.nodes {
            last = max(last, node.joinsAt, node.restartsAt ?? 0)
            for stall in node.stalls { last = max(last, stall.until == .max ? stall.from : stall.until) }
        }
        for partition in plan.partitions { last = max(last, partition.until) }
        let slowest = plan.nodes.map { min($0.uplinkBytesPerSecond, $0.downlinkBytesPerSecond) }.min() ?? 1
        let transfer = nanoseconds(layout.fileByteCount, at: max(1, slowest))
        // A connection to one that is mute stands for ever here, and each chunk is waited for there first.
        let muteTime: UInt64 = isSomebodyMute ? 600_000_000_000 : 0
        return last + 20 * transfer + 2 * plan.freezeNoticeNanoseconds + 60_000_000_000 + muteTime
    }

    /// Chunks that have been begun and neither arrived nor were lost.
    private var onTheirWay: [ChunkID] {
        let begun = connections.compactMap { $0.isSending || $0.turnsLeft > 0 ? $0.queue.first?.chunk : nil }
        return begun + queue.all.compactMap { $0.kind == .chunk ? $0.b : nil }
    }

    private mutating func schedulePlan() {
        nodes[0].isAlive = true
        if options.hashBytesPerSecond == 0 {
            hashedCount = layout.chunkCount
            owner.hashed(0..<hashedCount)
        } else {
            queue.push(.hashes, at: 0, 0)
        }
        for (number, node) in plan.nodes.enumerated() where number > 0 {
            queue.push(.starts, at: node.joinsAt, number)
            if let diesAt = node.diesAt { queue.push(.dies, at: max(diesAt, node.joinsAt + 1), number) }
            for (index, stall) in node.stalls.enumerated() {
                queue.push(.stalls, at: max(stall.from, node.joinsAt + 1), number, UInt32(index))
            }
            if node.mustEnd { unfinishedCount += 1 }
        }
        for index in plan.partitions.indices { queue.push(.partitions, at: plan.partitions[index].from, index) }
        if let every = plan.breaksEvery { queue.push(.breaks, at: every, 0) }
        if plan.ownerLeaves { queue.push(.ownerLeaves, at: options.chunkNanoseconds, 0) }
    }

    private mutating func handle(_ event: Event) {
        switch event.kind {
        case .starts, .dies, .stalls, .wakes, .breaks, .partitions, .ownerLeaves: handleFault(event)
        case .hashes, .ownerTimer, .rosterSent, .joins, .credits, .rescues, .accuses, .completes:
            handleAtOwner(event)
        case .timer, .announces, .reconnects, .welcome, .rosterAt, .digestsAt, .ask: handleAtPeer(event)
        case .uplinkFree, .sent: handleUplink(event)
        case .request, .cancel, .reject, .chunk: handleTransfer(event)
        case .haves, .havesAtClient, .havesAtSource: handleHaves(event)
        case .connects, .accepted, .closes: handleConnection(event)
        }
    }

    /// Runs the peer's policy, does what it wants, and sees to its timer.
    @inline(__always)
    mutating func decide(_ node: Int, _ body: (inout PeerPolicy, UInt64, inout [PeerAction]) -> Void) {
        body(&nodes[node].policy, now, &peerActions)
        if !peerActions.isEmpty {
            for action in peerActions { execute(action, of: node) }
            peerActions.removeAll(keepingCapacity: true)
        }
        if nodes[node].timerAt == nil { scheduleTimer(of: node) }
    }

    /// Deadlines move closer by at most one hedge period, so one timer no further ahead than that is enough.
    mutating func scheduleTimer(of node: Int) {
        guard let deadline = nodes[node].policy.nextDeadline else { return }
        let at = max(now + 1, min(deadline, now + nodes[node].policy.hedgeNanoseconds))
        nodes[node].timerAt = at
        queue.push(.timer, at: at, node, UInt32(truncatingIfNeeded: nodes[node].incarnation))
    }

    /// When a message that leaves now reaches the other node.
    @inline(__always)
    func arrival(from sender: Int, to receiver: Int) -> UInt64 {
        let at = now + options.latencyNanoseconds
        return plan.partitions.isEmpty ? at : max(at, healed(sender, receiver, at))
    }

    /// When two nodes can reach each other again: what is lost between them is sent anew until it gets through.
    func healed(_ one: Int, _ other: Int, _ at: UInt64) -> UInt64 {
        var at = at
        for partition in plan.partitions where partition.isCutOff[one] != partition.isCutOff[other] {
            if at >= partition.from, at < partition.until { at = partition.until }
        }
        return at
    }

    /// Whether the node can take the event now. A stalled node takes it when it goes on.
    @inline(__always)
    mutating func canHear(_ node: Int, _ event: Event) -> Bool {
        guard nodes[node].stalledUntil > now else { return nodes[node].isAlive }
        postpone(node, event)
        return false
    }

    private mutating func postpone(_ node: Int, _ event: Event) {
        guard nodes[node].isAlive, nodes[node].stalledUntil != .max else { return }
        queue.push(event.kind, at: nodes[node].stalledUntil, Int(event.a), event.b, event.c)
    }

    private func makeReport() -> SimReport {
        let peers = nodes.enumerated().dropFirst().map { number, node in
            var report = node.report
            report.peer = number
            report.joinedAt = node.joinedAt
            report.finishedAt = node.finishedAt
            report.isHealthy = node.plan.isHealthy
            report.mustEnd = node.plan.mustEnd
            let rate = min(node.plan.downlinkBytesPerSecond, plan.nodes[0].uplinkBytesPerSecond)
            if let finishedAt = node.finishedAt, layout.fileByteCount > 0 {
                let bound = Double(layout.fileByteCount) * 1e9 / Double(rate)
                report.timeOverBound = Double(finishedAt - node.joinedAt) / bound
            }
            return report
        }
        return SimReport(
            options: options, command: command, peers: peers, endedAt: endedAt,
            ownerEgress: Double(checks.ownerSentByteCount) / Double(max(1, layout.fileByteCount)),
            rescueCount: owner.rescueCount, eventCount: eventCount, traceHash: trace.value,
            violations: checks.violations, layout: layout, arrivals: nodes.dropFirst().map(\.arrivals), faults: faults)
    }
}

/// A hash over all events in the order they happened (FNV-1a, over words instead of bytes).
struct TraceHash {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    @inline(__always)
    mutating func add(_ event: Event) {
        mix(event.at)
        mix(UInt64(event.kind.rawValue) << 32 | UInt64(event.a))
        mix(UInt64(event.b) << 32 | UInt64(event.c))
    }

    @inline(__always)
    private mutating func mix(_ word: UInt64) {
        value = (value ^ word) &* 0x100_0000_01B3
        value ^= value >> 29
    }
}
