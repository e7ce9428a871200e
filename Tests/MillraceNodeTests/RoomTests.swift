@testable import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// How many times the usual a peer asks its sources to have on the way to it.
@Suite(.timeLimit(.minutes(5))) struct RoomTests {
    private let bench: Bench
    private let node: PeerNode
    private let owner: ScriptedOwner

    /// A peer that its owner has welcomed as number 0, beside number 1.
    init() throws {
        bench = try Bench(byteCount: 1)
        owner = try ScriptedOwner()
        let members = (0...1).map { RosterEntry(peer: $0, address: Sample.address) }
        node = try bench.welcomedPeer(
            of: owner, told: .roster(RosterMessage(start: 0, total: 2, entries: members)))
    }

    /// What the other side of a connection says first, whoever has made it.
    private var greeting: [Message] {
        let swarm = node.state.withLock { $0.swarm }
        return [.hello(HelloMessage(role: .peer, swarm: swarm, node: Sample.other)), .introduce(peer: 1)]
    }

    /// What was posted to a source that has said who it is.
    private func source() throws -> Link {
        let record = SourceRecord(peer: 1, link: try Link())
        node.state.withLock { $0.sources = [record] }
        let handler = DownloadHandler(node: node, record: record)
        handler.began(now: 1)
        try handler.received(greeting)
        return record.link
    }

    /// Two connections send half of what comes to the node, for so long that room is asked for with the next chunk.
    private func sendLittle() {
        let share = node.rates.share
        for _ in 0..<2 { share.began(now: 1) }
        var mark = SendMeasure.Mark()
        for tick in 1...27 as ClosedRange<UInt64> {
            let now = tick * 20_000_000
            #expect(share.received(204_800, bytesPerSecond: 10_240_000, now: now) == nil)
            _ = share.sent(102_400, now: now, mark: &mark)
        }
    }

    private func take(_ chunk: ChunkID) throws {
        let bytes = owner.chunk(chunk)
        let header = FrameHeader(type: .grant, chunk: chunk, payloadByteCount: bytes.count)
        try bytes.withUnsafeBytes { try node.store(header, $0, from: .grant, began: 1, now: 2) }
    }

    @Test func `an uploader notes what its downloader asks for last`() throws {
        let handler = UploadHandler(node: node, link: try Link(), identity: 1)
        try handler.received(greeting)
        #expect(handler.roomTimes == 1)
        try handler.received([.room(times: 8), .room(times: 3)])
        #expect(handler.roomTimes == 3)
    }

    @Test func `no more is asked for than the protocol allows`() {
        #expect(RoomTrial.mostRoomTimes == Int(WireLimits.mostRoomTimes))
    }

    @Test func `sources are asked once when it changes`() throws {
        let source = try source()
        sendLittle()
        _ = source.take()
        try take(2)
        let asked = Message.room(times: 2).frame
        #expect(source.take().control.starts(with: asked))
        node.log.flush()
        #expect(bench.said("peer").contains("sources are asked for 2 times the usual room"))
        try take(1)
        #expect(!source.take().control.starts(with: asked))
    }

    @Test func `a source that comes later is asked for the same`() throws {
        #expect(try !source().take().control.suffix(13).elementsEqual(Message.room(times: 2).frame))
        sendLittle()
        try take(2)
        #expect(try source().take().control.suffix(13).elementsEqual(Message.room(times: 2).frame))
    }
}
