import MillraceIO
import MillraceWire
import Synchronization
import Testing

@testable import MillraceNode

/// Nodes with limits over loopback, seen from their other side.
@Suite(.serialized) struct RateLimitTests {
    private static let rate = 20_000_000
    private static let second: UInt64 = 1_000_000_000

    /// One client of an owner that asks for chunk after chunk and counts what comes, by arrival.
    private final class Counter: Sendable {
        private let arrivals = Lock<[(nanoseconds: UInt64, bytes: Int)]>([])
        private let isOver = Atomic(false)

        func end() { isOver.store(true, ordering: .relaxed) }

        func bytes(from start: UInt64, to end: UInt64) -> Int {
            arrivals.withLock { arrivals in
                arrivals.reduce(0) { (start..<end).contains($1.nanoseconds) ? $0 + $1.bytes : $0 }
            }
        }

        func fetch(port: UInt16, chunkCount: UInt32) throws {
            let link = try TestLink(port: port)
            let node = NodeToken.random()
            try link.send(.hello(HelloMessage(role: .peer, swarm: .unknown, node: node)))
            try link.send(.join(JoinMessage(listenPort: 9)))
            _ = try link.next(.welcome)
            try link.send(.list(ChunkIDList.encode(ChunkSet(chunkCount: chunkCount))))
            _ = try link.next(.manifestEnd)
            try link.send(.request(first: 0, count: 16))
            var asked: UInt32 = 16
            while !isOver.load(ordering: .relaxed) {
                guard case .chunk(let header, let bytes) = try link.receive() else { continue }
                let count = bytes.count + WireLimits.frameHeaderByteCount
                arrivals.withLock { $0.append((MonotonicClock.nowNanoseconds, count)) }
                guard header.type == .chunk else { continue }
                try link.send(.request(first: asked % chunkCount, count: 1))
                asked += 1
            }
            link.close()
        }
    }

    /// Looks at several runs until one is as it should be: on a busy machine threads come late, and what a second holds
    /// is not what was sent in it. A rate that is not kept is wrong in each.
    private func inOneOfSeveralRuns(_ measure: () throws -> String?) throws {
        var faults: [String] = []
        for _ in 1...6 {
            guard let fault = try measure() else { return }
            faults.append(fault)
        }
        Issue.record("\(faults)")
    }

    private func isNear(_ bytes: Int, _ wanted: Int, percent: Int) -> Bool {
        abs(bytes - wanted) <= wanted * percent / 100
    }

    @Test func anOwnerSendsAtItsRateToAllTogetherAndToEachItsShare() throws {
        try inOneOfSeveralRuns {
            let counts = try bytesInASecond(ofCounters: 3)
            let total = counts.reduce(0, +)
            guard isNear(total, Self.rate, percent: 5) else { return "\(total) bytes in a second" }
            return counts.allSatisfy { isNear($0, total / 3, percent: 30) } ? nil : "\(counts)"
        }
    }

    private func bytesInASecond(ofCounters count: Int) throws -> [Int] {
        let bench = try Bench(byteCount: 100 * 102_400)
        let owner = try bench.owner { $0.common.sendBytesPerSecond = UInt64(Self.rate) }
        let counters = (0..<count).map { _ in Counter() }
        let fetches = try counters.map { counter in
            try Running { try counter.fetch(port: owner.port, chunkCount: 100) }
        }
        defer { for counter in counters { counter.end() } }
        try waitUntil { counters.allSatisfy { $0.bytes(from: 0, to: .max) > 0 } }
        let start = MonotonicClock.nowNanoseconds + Self.second / 10
        try waitUntil { MonotonicClock.nowNanoseconds > start + Self.second }
        let counts = counters.map { $0.bytes(from: start, to: start + Self.second) }
        for counter in counters { counter.end() }
        for fetch in fetches { _ = try? fetch.value(withinSeconds: 30) }
        owner.interrupt.signal()
        _ = try? owner.report(withinSeconds: 20)
        return counts
    }

    @Test func aPeerTakesAtItsRateFromWhoSendsFaster() throws {
        try inOneOfSeveralRuns {
            let rate = try bytesTakenInASecond()
            return isNear(rate, Self.rate, percent: 5) ? nil : "\(rate) bytes a second"
        }
    }

    private func bytesTakenInASecond() throws -> Int {
        let bench = try Bench(byteCount: 3 * Self.rate / 2)
        let owner = try bench.owner { $0.peerCount = 1 }
        let peer = try bench.peer("peer", of: owner.port) { $0.common.receiveBytesPerSecond = UInt64(Self.rate) }
        let started = MonotonicClock.nowNanoseconds
        let taken = { peer.node.state.withLock { Int($0.statistics.bytesFromOwner) } }
        try waitUntil { taken() > Self.rate / 10 }
        let (first, firstBytes) = (MonotonicClock.nowNanoseconds, taken())
        try waitUntil { MonotonicClock.nowNanoseconds >= first + Self.second }
        let (last, lastBytes) = (MonotonicClock.nowNanoseconds, taken())
        _ = try peer.report()
        #expect(Double(MonotonicClock.nowNanoseconds - started) / 1e9 > 1.4, "the whole file takes a second and a half")
        #expect(bench.output("peer") == bench.bytes)
        _ = try owner.report()
        return Int(Double(lastBytes - firstBytes) / Double(last - first) * 1e9)
    }

    @Test func aSwarmOfLimitedNodesEnds() throws {
        let bench = try Bench(byteCount: 3_000_000)
        let owner = try bench.owner {
            $0.peerCount = 3
            $0.common.sendBytesPerSecond = 4_000_000
        }
        let peers = try (0..<3).map { index in
            try bench.peer("peer-\(index)", of: owner.port) {
                $0.common.sendBytesPerSecond = 4_000_000
                $0.common.receiveBytesPerSecond = 4_000_000
            }
        }
        for (index, peer) in peers.enumerated() {
            _ = try peer.report(withinSeconds: 30)
            #expect(bench.output("peer-\(index)") == bench.bytes)
        }
        #expect(try owner.report().egress < 2)
    }
}
