import MillraceSwarm
import MillraceWire

extension SimPlan {
    /// A small swarm to which anything may happen, drawn from the seed; the options become what was drawn, up to the
    /// numbers of peers and chunks that were asked for.
    init(faulty options: inout SimOptions) {
        var dice = SeededGenerator(seed: options.seed ^ 0xA5A5_5A5A_1234_4321)
        options.peerCount = 1 + dice.below(options.peerCount)
        options.chunkCount = 1 + UInt32(dice.below(Int(options.chunkCount)))
        options.latencyNanoseconds = 1_000 << UInt64(dice.below(14))
        options.linkBytesPerSecond = 100_000 << UInt64(dice.below(15))
        options.chunkByteCount = [1024, 16_384, 102_400, 1_048_576][dice.below(4)]
        options.turnsPerChunk = [1, 1, 4][dice.below(3)]
        if dice.oneIn(3) { options.hashBytesPerSecond = options.linkBytesPerSecond * UInt64(1 + dice.below(8)) / 2 }
        var calm = options
        calm.scenario = .even
        self.init(calm)
        deathNoticeNanoseconds = dice.oneIn(2) ? 0 : 20 * options.chunkNanoseconds
        let transfer = max(1, options.chunkNanoseconds * UInt64(options.chunkCount))
        drawLinks(options, &dice, transfer)
        drawFaults(options, &dice, transfer)
    }

    private mutating func drawLinks(_ options: SimOptions, _ dice: inout SeededGenerator, _ transfer: UInt64) {
        let rate = options.linkBytesPerSecond
        let mixed = dice.oneIn(3)
        let spread = dice.oneIn(3) ? UInt64(dice.below(4)) * transfer : 0
        let given = dice.oneIn(3)
        for node in nodes.indices.dropFirst() {
            if mixed {
                nodes[node].uplinkBytesPerSecond = max(1, rate / [1, 1, 4, 20][dice.below(4)])
                nodes[node].downlinkBytesPerSecond = max(1, rate / [1, 1, 4][dice.below(3)])
            }
            if spread > 0 { nodes[node].joinsAt = dice.next() % spread }
            if given { nodes[node].neighbour = 1 + dice.below(nodes.count - 1) }
        }
    }

    private mutating func drawFaults(_ options: SimOptions, _ dice: inout SeededGenerator, _ transfer: UInt64) {
        // An owner that has left can't help, so nothing else may be lost then.
        if dice.oneIn(6) {
            ownerLeaves = !nodes.contains { $0.joinsAt > 0 }
            if ownerLeaves { return }
        }
        if dice.oneIn(4) {
            breaksEvery = max(1, transfer / UInt64(1 + dice.below(30)))
            breaksUntil = 3 * transfer
        }
        if dice.oneIn(4) {
            let from = dice.next() % (2 * transfer)
            let isCutOff = nodes.indices.map { $0 > 0 && dice.oneIn(2) }
            partitions = [Partition(from: from, until: from + 1 + dice.next() % (2 * transfer), isCutOff: isCutOff)]
        }
        for node in nodes.indices.dropFirst() where dice.oneIn(4) { befall(node, &dice, transfer) }
    }

    private mutating func befall(_ node: Int, _ dice: inout SeededGenerator, _ transfer: UInt64) {
        let at = nodes[node].joinsAt + 1 + dice.next() % (2 * transfer)
        nodes[node].isHealthy = false
        switch dice.below(7) {
        case 0: nodes[node].diesAt = at
        case 1:
            nodes[node].diesAt = at
            nodes[node].restartsAt = at + 1 + dice.next() % (2 * transfer)
            nodes[node].keptOf256 = [256, 256, 128, 0][dice.below(4)]
        case 2: nodes[node].stalls = [Stall(from: at, until: .max)]
        case 3: nodes[node].stalls = [Stall(from: at, until: at + 1 + dice.next() % (2 * transfer))]
        case 4: nodes[node].isLiar = true
        case 5: nodes[node].muteFrom = at
        default: nodes[node].refuses = true
        }
    }
}

extension SeededGenerator {
    /// A number from 0 to `count` - 1.
    mutating func below(_ count: Int) -> Int { Int(next() % UInt64(max(1, count))) }

    mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }
}
