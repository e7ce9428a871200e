import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// A peer that joins, says that it holds everything, and sends corrupted bytes of the right length.
private final class LyingPeer: Sendable {
    let index: PeerIndex
    private let listener: TestListener
    private let swarm: NodeToken
    private let layout: ChunkLayout
    private let token = NodeToken.random()
    private let isOver = Lock(false)

    init(owner: UInt16) throws {
        listener = try TestListener()
        let link = try TestLink(port: owner)
        try link.send(.hello(HelloMessage(role: .peer, swarm: .unknown, node: token)))
        guard case .hello(let hello) = try link.next(.hello) else { throw TookTooLong() }
        try link.send(.join(JoinMessage(listenPort: listener.port)))
        guard case .welcome(let welcome) = try link.next(.welcome) else { throw TookTooLong() }
        (index, layout, swarm) = (welcome.peer, welcome.layout, hello.swarm)
        try link.send(.list(ChunkIDList.encode(.all(of: welcome.layout.chunkCount))))
        let box = Lock<TestLink?>(link)
        _ = try Running { [self] in
            guard let link = box.withLock({ $0.take() }) else { return }
            try stayMember(link)
        }
        _ = try Running { [self] in try serve() }
    }

    func stop() { isOver.withLock { $0 = true } }

    private func stayMember(_ link: TestLink) throws {
        while !isOver.withLock({ $0 }) {
            do {
                guard try link.receive(withinSeconds: 1) != .closed else { return }
            } catch is TookTooLong {
                continue
            }
        }
    }

    private func serve() throws {
        while !isOver.withLock({ $0 }) {
            guard let link = try listener.accept(withinSeconds: 0.2) else { continue }
            let box = Lock<TestLink?>(link)
            _ = try Running { [self] in
                guard let link = box.withLock({ $0.take() }) else { return }
                try answer(link)
            }
        }
    }

    private func answer(_ link: TestLink) throws {
        while true {
            switch try link.receive(withinSeconds: 60) {
            case .message(.hello): try link.send(.hello(HelloMessage(role: .peer, swarm: swarm, node: token)))
            case .message(.introduce): try link.send(.introduce(peer: index))
            case .message(.listRequest): try link.send(.list(ChunkIDList.encode(.all(of: layout.chunkCount))))
            case .message(.request(let first, let count)):
                for chunk in first..<(first + count) {
                    try link.send(.chunk, chunk, someBytes(Int(layout.byteCount(of: chunk)), seed: 99))
                }
            case .message(.goodbye), .closed: return
            case .message, .chunk: continue
            }
        }
    }
}

@Suite(.timeLimit(.minutes(5))) struct LyingPeerTests {
    /// Good peers that fetch where a liar claims to hold everything before the owner has sent anything.
    private func run(goodCount: Int, byteCount: Int) throws {
        let bench = try Bench(byteCount: byteCount)
        let owner = try bench.owner { options in
            options.peerCount = goodCount
            options.chunkByteCount = 10_000
        }
        let liar = try LyingPeer(owner: owner.port)
        defer { liar.stop() }
        let names = (0..<goodCount).map { "peer-\($0)" }
        let peers = try names.map { try bench.peer($0, of: owner.port) }
        try waitUntil { peers.allSatisfy(\.isComplete) }
        liar.stop()
        let reports = try peers.map { try $0.report(withinSeconds: 90) }
        for (name, report) in zip(names, reports) {
            #expect(bench.output(name) == bench.bytes)
            #expect(report.badChunkSources == [liar.index])
            #expect(!report.sources.contains { $0.peer == liar.index && $0.bytes > 0 })
            #expect(report.text.contains("peer \(liar.index) sent a bad chunk"))
            #expect(bench.said(name).contains("peer \(liar.index) sent a bad chunk"))
        }
        #expect(bench.said("owner").contains("says that peer \(liar.index) sent a bad chunk"))
        if goodCount > 1 { #expect(bench.said("owner").contains("peer \(liar.index) is evicted")) }
        owner.interrupt.signal()
        _ = try? owner.report()
    }

    @Test func twoGoodPeersNameALiarAndTheOwnerEvictsIt() throws { try run(goodCount: 2, byteCount: 300_000) }

    /// One voice evicts nobody. All the same the owner hands out what only the liar says it holds, at full speed: a
    /// rescue for each of these chunks would take minutes.
    @Test func oneGoodPeerGetsTheFileAllTheSame() throws { try run(goodCount: 1, byteCount: 2_000_000) }

    /// A downloader of the test's own, which sees that only verified chunks are listed and served.
    @Test func whatALiarSentIsNeitherListedNorServed() throws {
        let bench = try Bench(byteCount: 30_000)
        let owner = try bench.owner { $0.chunkByteCount = 10_000 }
        let good = try bench.peer("good", of: owner.port)
        try waitUntil { good.isComplete }
        let link = try TestLink(port: good.port)
        let swarm = good.node.state.withLock { $0.swarm }
        let hello = HelloMessage(role: .peer, swarm: swarm, node: .random())
        try link.send(.hello(hello), .introduce(peer: 7), .listRequest)
        guard case .list(let list) = try link.next(.list) else { throw TookTooLong() }
        #expect(list == ChunkIDList.encode(.all(of: 3)))
        try link.send(.request(first: 0, count: 3))
        for chunk in 0..<3 {
            guard case .chunk(let header, let bytes) = try link.receive() else { throw TookTooLong() }
            #expect(header.chunk == ChunkID(chunk))
            #expect(bytes == Array(bench.bytes[(10_000 * chunk)..<(10_000 * chunk + 10_000)]))
        }
        link.close()
        for interrupt in [good.interrupt, owner.interrupt] { interrupt.signal() }
        #expect(try good.report().contentID != nil)
        #expect(throws: NodeFailure.self) { try owner.report() }
    }
}
