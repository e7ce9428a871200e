import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// When an owner's run is over, asked at times that need not be waited for.
@Suite(.timeLimit(.minutes(5))) struct OwnerLoopTests {
    private static let second: UInt64 = 1_000_000_000
    private let bench: Bench
    private let node: OwnerNode

    init() throws {
        bench = try Bench(byteCount: 2500)
        node = try OwnerNode(
            try bench.ownerOptions { options in
                options.chunkByteCount = 1024
                options.common.timeoutSeconds = 10
            })
    }

    private var loop: OwnerLoop { OwnerLoop(node: node) }
    private func setProgress(_ time: UInt64) { node.state.withLock { $0.lastProgress = time } }
    private func code(at time: UInt64) -> ExitCode? { loop.end(now: time)?.failure?.code }

    /// A peer that says it holds these chunks.
    private func member(holding chunks: Range<ChunkID>) throws -> ClientHandler {
        let handler = ClientHandler(
            node: node, link: try Link(), address: SocketAddress(host: .v4(0x7F00_0001), port: 9))
        try handler.received([
            Sample.hello(.peer), .join(JoinMessage(listenPort: 9)), .list(ChunkIDList.encode(runs: [chunks])),
            .credit(count: 1),
        ])
        _ = handler.postNews(now: 1)
        return handler
    }

    @Test func `hashing is progress`() throws {
        let start = MonotonicClock.nowNanoseconds
        setProgress(1)
        Splitter(node: node).run()
        #expect(node.state.withLock { $0.lastProgress } >= start)
    }

    @Test func `no time-out while a peer with all chunks puts its file together`() throws {
        let handler = try member(holding: 0..<3)
        let start: UInt64 = 1 << 40
        setProgress(start)
        let late = start + 1000 * Self.second
        #expect(code(at: late) == nil)
        // Once it has gone, the others have the whole time again.
        let peer = try #require(handler.peer)
        node.update { node.left(peer, .closed("gone"), now: late, &$0, &$1) }
        #expect(code(at: late + 9 * Self.second) == nil)
        #expect(code(at: late + 11 * Self.second) == .noProgress)
    }

    @Test func `a peer that lacks a chunk must get on`() throws {
        _ = try member(holding: 0..<2)
        setProgress(1 << 40)
        #expect(code(at: 1 << 40 + 11 * Self.second) == .noProgress)
    }

    @Test func `a standstill of the whole process counts towards no time-out`() {
        let start: UInt64 = 1 << 40
        setProgress(start)
        let late = start + 1000 * Self.second
        loop.waited(until: start + Self.second, now: late)
        #expect(code(at: late) == nil)
        #expect(code(at: late + 11 * Self.second) == .noProgress)
        setProgress(start)
        loop.waited(until: start + 11 * Self.second, now: start + 12 * Self.second)
        #expect(code(at: start + 12 * Self.second) == .noProgress, "a busy machine is a little late")
    }
}
