import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// When a peer's run is over, asked at times that need not be waited for.
@Suite(.timeLimit(.minutes(5))) struct PeerLoopTests {
    private static let second: UInt64 = 1_000_000_000
    private let bench: Bench
    private let owner: ScriptedOwner
    private let node: PeerNode
    private let handler: OwnerLinkHandler

    init() throws {
        bench = try Bench(byteCount: 1)
        owner = try ScriptedOwner()
        node = try PeerNode(try bench.peerOptions("peer", of: 9) { $0.common.timeoutSeconds = 10 })
        handler = OwnerLinkHandler(node: node, link: try Link(), neighbour: .none)
        try handler.received([Sample.hello(.owner), owner.welcome])
    }

    private func code(at time: UInt64) -> ExitCode? { PeerLoop(node: node).end(now: time)?.failure?.code }

    private func setProgress(_ time: UInt64, loneSince: UInt64? = nil) {
        node.state.withLock { ($0.lastProgress, $0.loneSince) = (time, loneSince) }
    }

    /// The peer has all chunks and knows what they are; the file is still to be put together.
    private func takeAllChunks() throws {
        try handler.received([
            .digests(first: 0, owner.manifest.digests), .manifestEnd(contentID: owner.contentID),
        ])
        for chunk in 0..<ScriptedOwner.layout.chunkCount {
            let bytes = owner.chunk(chunk)
            let header = FrameHeader(type: .grant, chunk: chunk, payloadByteCount: bytes.count)
            try bytes.withUnsafeBytes { try node.store(header, $0, from: .grant, began: 1, now: 2) }
        }
    }

    /// An owner that was started again hashes its file before it can grant what is missing.
    @Test func `digests are progress, those that come again too`() throws {
        setProgress(1)
        try handler.received(.digests(first: 0, owner.manifest.digests), now: 5)
        #expect(node.state.withLock { $0.lastProgress } == 5)
        let again = OwnerLinkHandler(node: node, link: try Link(), neighbour: .none)
        try again.received([Sample.hello(.owner), owner.welcome])
        try again.received(.digests(first: 0, owner.manifest.digests), now: 7)
        #expect(node.state.withLock { $0.lastProgress } == 7)
    }

    @Test func `a standstill of the whole process counts towards no time-out`() {
        let start: UInt64 = 1 << 40
        let late = start + 1000 * Self.second
        for loneSince in [nil, start] {
            setProgress(start, loneSince: loneSince)
            #expect(code(at: late) == (loneSince == nil ? .noProgress : .sourcesLost))
            PeerLoop(node: node).waited(until: start + Self.second, now: late)
            #expect(code(at: late) == nil)
            #expect(code(at: late + 11 * Self.second) == (loneSince == nil ? .noProgress : .sourcesLost))
        }
    }

    @Test func `a node on its way out stays there when its file is done`() throws {
        try takeAllChunks()
        node.state.withLock { $0.phase = .leaving }
        node.finish()
        #expect(node.isLeaving)
        #expect(node.state.withLock { $0.statistics.completed } != nil)
        #expect(bench.output("peer") == owner.bytes)
    }

    @Test func `a file that is put together is complete`() throws {
        try takeAllChunks()
        node.state.withLock { $0.phase = .assembling }
        node.finish()
        #expect(node.state.withLock { $0.phase } == .complete)
    }
}
