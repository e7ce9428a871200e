import MillraceSwarm
import MillraceWire

/// One machine of the cast and what will happen to it. Times in nanoseconds from the start of the run.
struct NodePlan: Sendable {
    var uplinkBytesPerSecond: UInt64
    var downlinkBytesPerSecond: UInt64
    var joinsAt: UInt64 = 0
    var diesAt: UInt64?
    var restartsAt: UInt64?
    /// Of 256 chunks on its disk so many survive the restart.
    var keptOf256: UInt64 = 256
    var isLiar = false
    /// Lists all chunks and answers no request with one.
    var refuses = false
    /// From then on no chunk that it sends arrives, while all messages do.
    var muteFrom: UInt64?
    /// The node number of the download neighbour its user gave.
    var neighbour: Int?
    var stalls: [Stall] = []

    /// The node is at full speed and nothing befalls it.
    var isHealthy = true

    /// Nothing befalls it, and it does what it should.
    var isUntroubled: Bool { diesAt == nil && stalls.isEmpty && !isLiar && !refuses && muteFrom == nil }

    var freezes: Bool { stalls.contains { $0.until == .max } }
    var mustEnd: Bool { !isLiar && !refuses && !freezes && (diesAt == nil || restartsAt != nil) }
}

struct Stall: Sendable {
    let from: UInt64
    /// The largest number stands for ever.
    let until: UInt64
}

/// Some nodes can't reach the others for a while.
struct Partition: Sendable {
    let from: UInt64
    let until: UInt64
    /// By node number.
    let isCutOff: [Bool]
}

/// A whole run before it happens: the owner is node 0.
struct SimPlan: Sendable {
    var nodes: [NodePlan]
    var partitions: [Partition] = []
    /// The usual time between two connection breaks; nil for none.
    var breaksEvery: UInt64?
    var breaksUntil: UInt64 = 0
    var ownerLeaves = false
    /// How long until the others notice that a process was killed, and that one is frozen.
    var deathNoticeNanoseconds: UInt64
    var freezeNoticeNanoseconds: UInt64 = 30_000_000_000

    /// The plan of a scenario, in the terms of its own chunk time and transfer time.
    init(_ options: SimOptions) {
        let rate = options.linkBytesPerSecond
        nodes = Array(
            repeating: NodePlan(uplinkBytesPerSecond: rate, downlinkBytesPerSecond: rate),
            count: options.peerCount + 1)
        deathNoticeNanoseconds = 20 * options.chunkNanoseconds
        let transfer = options.chunkNanoseconds * UInt64(options.chunkCount)
        apply(options, rate: rate, transfer: transfer)
    }

    private mutating func apply(_ options: SimOptions, rate: UInt64, transfer: UInt64) {
        let count = options.peerCount
        let one = count / 2 + 1
        switch options.scenario {
        case .even: break
        case .slow: slowDown(one, uplink: rate / 4, downlink: rate / 4)
        case .slowUplink: nodes[one].uplinkBytesPerSecond = max(1, rate / 4)
        case .fastOwner:
            nodes[0].uplinkBytesPerSecond = 5 * rate
            nodes[0].downlinkBytesPerSecond = 5 * rate
        case .freeRider: nodes[one].uplinkBytesPerSecond = max(1, rate / 50)
        case .death: nodes[one].diesAt = transfer / 2
        case .freeze: nodes[one].stalls = [Stall(from: transfer / 2, until: .max)]
        case .staggered: join(over: transfer / 2)
        case .late: join(over: 3 * transfer)
        case .ownerLeaves: ownerLeaves = true
        case .restart:
            nodes[one].diesAt = transfer / 2
            nodes[one].restartsAt = transfer / 2 + deathNoticeNanoseconds
        case .everyFourthSlow:
            for node in stride(from: 1, through: count, by: 4) { slowDown(node, uplink: rate / 4, downlink: rate / 4) }
        case .randomUplinks: drawUplinks(rate, seed: options.seed)
        case .lossy:
            breaksEvery = max(1, transfer / 40)
            breaksUntil = 2 * transfer
        case .liar: nodes[one].isLiar = true
        case .refuser: nodes[one].refuses = true
        case .mute: nodes[one].muteFrom = transfer / 2
        case .partition:
            let isCutOff = (0...count).map { $0 > 0 && $0 <= max(1, count / 3) }
            partitions = [Partition(from: transfer / 4, until: transfer / 2, isCutOff: isCutOff)]
            for node in nodes.indices where isCutOff[node] { nodes[node].isHealthy = false }
        case .clogs: clog(transfer, seed: options.seed)
        case .faulty: break
        }
        for node in nodes.indices where !nodes[node].isUntroubled { nodes[node].isHealthy = false }
    }

    private mutating func slowDown(_ node: Int, uplink: UInt64, downlink: UInt64) {
        nodes[node].uplinkBytesPerSecond = max(1, uplink)
        nodes[node].downlinkBytesPerSecond = max(1, downlink)
        nodes[node].isHealthy = false
    }

    private mutating func join(over time: UInt64) {
        for node in nodes.indices.dropFirst() {
            nodes[node].joinsAt = UInt64(node - 1) * time / UInt64(max(1, nodes.count - 1))
        }
    }

    private mutating func drawUplinks(_ rate: UInt64, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for node in nodes.indices.dropFirst() {
            let tenths: [UInt64] = [3, 6, 10, 15, 30]
            nodes[node].uplinkBytesPerSecond = max(1, rate * tenths[Int(generator.next() % 5)] / 10)
        }
    }

    private mutating func clog(_ transfer: UInt64, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for node in nodes.indices.dropFirst() where generator.next() % 4 == 0 {
            let from = generator.next() % max(1, transfer)
            let length = max(1, generator.next() % max(1, transfer / 8))
            nodes[node].stalls = [Stall(from: from, until: from + length)]
        }
    }
}
