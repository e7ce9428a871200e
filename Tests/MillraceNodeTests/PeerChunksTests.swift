import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// What a peer does with chunks that come more than once.
@Suite(.timeLimit(.minutes(5))) struct PeerChunksTests {
    private let bench: Bench
    private let node: PeerNode
    private let header: FrameHeader
    private let bytes: [UInt8]

    init() throws {
        bench = try Bench(byteCount: 1)
        let owner = try ScriptedOwner()
        node = try bench.welcomedPeer(of: owner)
        bytes = owner.chunk(2)
        header = FrameHeader(type: .grant, chunk: 2, payloadByteCount: bytes.count)
    }

    @Test func `copies of a chunk that come at once are stored and told of once`() throws {
        let (node, header, bytes) = (node, header, bytes)
        let copies = try (0..<4).map { _ in
            try Running { try bytes.withUnsafeBytes { try node.store(header, $0, from: .grant, began: 1, now: 2) } }
        }
        for copy in copies { try copy.value() }
        node.log.flush()
        #expect(bench.said("peer").matches(of: /chunk received chunk=2/).count == 1)
        #expect(bench.said("peer").matches(of: /chunk discarded chunk=2/).count == 3)
        #expect(node.state.withLock { $0.statistics.bytesTwice } == 3 * UInt64(bytes.count))
        #expect(node.state.withLock { $0.storing.isEmpty && $0.failure == nil })
    }

    /// The first is still being written, so that the policy does not have it yet.
    @Test func `a copy of a chunk that is being stored is passed over`() throws {
        node.state.withLock { $0.storing = [2] }
        try bytes.withUnsafeBytes { try node.store(header, $0, from: .grant, began: 1, now: 2) }
        #expect(node.state.withLock { $0.journal.isEmpty && $0.storing == [2] })
        node.log.flush()
        #expect(bench.said("peer").contains("chunk discarded chunk=2 "))
        #expect(Scratch.names(in: bench.folder("peer") + "/chunks/000000").isEmpty)
    }
}
