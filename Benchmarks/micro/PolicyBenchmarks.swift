import Benchmark
import MillraceSwarm
import MillraceWire

/// One step of the policy in the middle of a transfer of 10,000 chunks: what deciding costs for each chunk.
func policyBenchmarks() {
    for peerCount in [16, 256] {
        Benchmark(
            "Policy.owner-grants-a-chunk-\(peerCount)-peers", configuration: .perThousand
        ) { benchmark in
            var swarm = OwnerSwarm(peerCount: peerCount)
            benchmark.startMeasurement()
            swarm.grant(benchmark.scaledIterations.count)
            benchmark.stopMeasurement()
        }
        Benchmark(
            "Policy.peer-takes-a-chunk-and-asks-for-the-next-\(peerCount)-peers",
            configuration: .perThousand
        ) { benchmark in
            var swarm = PeerSwarm(peerCount: peerCount)
            benchmark.startMeasurement()
            swarm.take(benchmark.scaledIterations.count)
            benchmark.stopMeasurement()
        }
    }
}

private let layout = try! ChunkLayout(fileByteCount: 10_000 * 102_400, chunkByteCount: 102_400)
private let chunkNanoseconds: UInt64 = 4_000_000

private func entry(_ peer: PeerIndex) -> RosterEntry {
    RosterEntry(peer: peer, address: PeerAddress(host: .v4(0x0A00_0000 + peer), port: 9000))
}

/// An owner whose peers list each grant as it arrives and leave a credit for the next.
private struct OwnerSwarm {
    private var policy = OwnerPolicy(layout: layout)
    private var now: UInt64 = 1_000_000_000

    init(peerCount: Int) {
        policy.hashed(0..<layout.chunkCount)
        for peer in 0..<PeerIndex(peerCount) {
            _ = policy.join(address: entry(peer).address)
            try! policy.credit(peer, count: 2)
        }
    }

    mutating func grant(_ wanted: Int) {
        var granted = 0
        while granted < wanted {
            var actions: [OwnerAction] = []
            policy.pump(at: now, into: &actions)
            for action in actions {
                guard case .grant(let peer, let chunk) = action else { continue }
                now += chunkNanoseconds
                policy.wrote(peer, at: now)
                policy.holds(peer, chunk..<(chunk + 1), at: now)
                try! policy.credit(peer, count: 1)
                granted += 1
            }
            precondition(!actions.isEmpty, "the owner has stopped granting")
        }
    }
}

/// A peer whose sources hold everything and answer every request.
private struct PeerSwarm {
    private var policy = PeerPolicy(layout: layout, seed: 1)
    private var now: UInt64 = 1_000_000_000
    private var waiting: [(peer: PeerIndex, chunk: ChunkID)] = []

    init(peerCount: Int) {
        var actions: [PeerAction] = []
        policy.welcomed(as: 0)
        policy.digestsKnown(below: layout.chunkCount, at: now, into: &actions)
        policy.rosterChanged(Ring((0..<PeerIndex(peerCount)).map(entry)), at: now, into: &actions)
        for case .connect(let peer) in actions {
            policy.sourceConnected(peer, at: now, into: &actions)
            policy.holds(peer, 0..<layout.chunkCount, at: now, into: &actions)
        }
        note(actions)
    }

    mutating func take(_ wanted: Int) {
        for taken in 0..<wanted {
            precondition(!waiting.isEmpty, "the peer asks for nothing after \(taken) chunks")
            let (peer, chunk) = waiting.removeFirst()
            now += chunkNanoseconds
            var actions: [PeerAction] = []
            policy.verified(chunk, from: .peer(peer), at: now, into: &actions)
            note(actions)
        }
    }

    private mutating func note(_ actions: [PeerAction]) {
        for case .request(let peer, let chunk) in actions { waiting.append((peer, chunk)) }
    }
}
