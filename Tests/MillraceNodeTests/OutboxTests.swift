import Glibc
@testable import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// What a connection sends, seen from the other end.
@Suite(.timeLimit(.minutes(5))) struct OutboxTests {
    /// More chunks than a transport is given at a time, all of which the socket takes at once.
    @Test func allThatIsAskedForLeavesThoughNothingMoreIsSaid() throws {
        let chunkCount = 12 * NodeLimits.transportQueueCount + 1
        let bench = try Bench(byteCount: chunkCount * 1024)
        let owner = try bench.hashedOwner(chunkByteCount: 1024, peers: 1)
        let link = try TestLink(port: owner.port)
        try link.send(
            .hello(HelloMessage(role: .peer, swarm: .unknown, node: .random())), .join(JoinMessage(listenPort: 9)),
            .list([0]))
        // Its digests must be there, or chunks wait for them.
        guard try link.next(.manifestEnd) != nil else { throw TookTooLong() }
        try link.send(.request(first: 0, count: UInt32(chunkCount)))
        var received: [ChunkID] = []
        while received.count < chunkCount {
            // Long before a ping makes the sender look again.
            guard case .chunk(let header, let bytes) = try link.receive(withinSeconds: 5) else { continue }
            #expect(bytes == Array(bench.bytes[Int(header.chunk) * 1024..<Int(header.chunk + 1) * 1024]))
            received.append(header.chunk)
        }
        #expect(received == Array(0..<ChunkID(chunkCount)))
        owner.interrupt.signal()
        #expect(throws: NodeFailure.self) { try owner.report() }
    }

    /// A node that has files to send and nothing to say.
    private final class Server: ConnectionHandler {
        private let link: Link
        private let payloads: [FilePayload?]

        init(link: Link, _ payloads: [FilePayload?]) {
            (self.link, self.payloads) = (link, payloads)
        }

        var isIntroduced: Bool { true }
        var chunkCount: UInt32 { UInt32(payloads.count) }
        func began(now: UInt64) { _ = link.post(Sample.hello(.peer)) }
        func received(_ message: Message, now: UInt64) {}
        func willReceive(_ header: FrameHeader) -> ChunkReception { .discard }
        func received(_ header: FrameHeader, _ bytes: UnsafeRawBufferPointer, isGenuine: Bool, now: UInt64) {}
        func discarded(_ header: FrameHeader, now: UInt64) {}
        func payload(of chunk: ChunkID) -> FilePayload? { payloads[Int(chunk)] }
        func sent(_ order: Link.ChunkOrder, now: UInt64) {}
        func unreadable(_ chunk: ChunkID, _ fault: SendFault) {}
        func postNews(now: UInt64) -> UInt64? { .max }
    }

    private func serve(
        _ payloads: [FilePayload?], by kind: TransportKind = .copy, share: SendShare = SendShare(),
        _ orders: @escaping @Sendable (inout Link.Mail) -> Void
    ) throws -> (far: TestLink, connection: Running<ConnectionEnd>) {
        let (near, far) = try TestLink.pair()
        let running = try Running {
            let link = try Link()
            _ = link.post(orders)
            var connection = Connection(
                socket: near.take(), link: link, transport: try TransportChoice.make(kind),
                handler: Server(link: link, payloads), rates: ConnectionRates(share: share))
            return connection.run()
        }
        return (far, running)
    }

    /// The other side would take what comes in place of the missing bytes for the chunk, and blame an honest node.
    @Test func nothingComesInPlaceOfWhatCannotBeRead() throws {
        for kind in TransportKind.allCases { try nothingComesInPlaceOfWhatCannotBeRead(by: kind) }
    }

    private func nothingComesInPlaceOfWhatCannotBeRead(by kind: TransportKind) throws {
        let scratch = try Scratch()
        let length = 16 << 20
        let payloads = try [UInt8(1), 2].map { value in
            let path = try scratch.write("\(value)", Array(repeating: value, count: length))
            return FilePayload(place: .path(path), offset: 0, byteCount: length)
        }
        let (far, connection) = try serve(payloads, by: kind) { mail in
            mail.chunks = [Link.ChunkOrder(chunk: 0, type: .chunk), Link.ChunkOrder(chunk: 1, type: .chunk)]
        }
        _ = try far.next(.hello)
        // The first chunk has begun, and more of it than sockets hold is to come.
        let header = try far.take(WireLimits.frameHeaderByteCount)
        #expect(header.count == WireLimits.frameHeaderByteCount)
        #expect(truncate(scratch.path + "/1", 0) == 0)
        let rest = try far.take(length)
        #expect(rest.count < length && rest.allSatisfy { $0 == 1 || $0 == 0 })
        guard case .closed = try connection.value(withinSeconds: 20) else { throw TookTooLong() }
    }

    @Test func aCancelIsForARequestAndForNoGrant() throws {
        let scratch = try Scratch()
        let payload = FilePayload(place: .path(try scratch.write("a", [7])), offset: 0, byteCount: 1)
        let (far, _) = try serve([payload, payload]) { mail in
            mail.chunks = [.grant, .chunk, .chunk].enumerated().map {
                Link.ChunkOrder(chunk: ChunkID(min($0.offset, 1)), type: $0.element)
            }
            mail.cancels = [0, 1]
        }
        _ = try far.next(.hello)
        #expect(try far.receive() == .message(.reject(1, .cancelled)))
        for (type, chunk) in [(MessageType.grant, ChunkID(0)), (.chunk, 1)] {
            #expect(try far.receive() == .chunk(FrameHeader(type: type, chunk: chunk, payloadByteCount: 1), [7]))
        }
        far.close()
    }

    /// What two connections were asked for is not here: their link is not busy, and sources are asked for no room.
    @Test func whatIsRefusedIsNotSent() throws {
        let share = SendShare()
        let fars = try (0..<2).map { _ in
            try serve([nil], share: share) { $0.chunks = [Link.ChunkOrder(chunk: 0, type: .chunk)] }.far
        }
        for far in fars {
            _ = try far.next(.hello)
            #expect(try far.receive() == .message(.reject(0, .notHeld)))
        }
        var mark = SendMeasure.Mark()
        let start = MonotonicClock.nowNanoseconds
        for tick in 1...60 as ClosedRange<UInt64> {
            let now = start + tick * 20_000_000
            _ = share.sent(102_400, now: now, mark: &mark)
            #expect(share.received(204_800, bytesPerSecond: 10_240_000, now: now) == nil)
        }
        for far in fars { far.close() }
    }

    @Test func moreRequestsThanAnybodyMayHaveAreNotAnswered() throws {
        let link = try Link()
        for _ in 0..<2 { try link.answer(0..<1024) { _ in false } }
        let end = #expect(throws: ConnectionEnd.self) { try link.answer(5..<6) { _ in true } }
        #expect(end?.code == .limitExceeded)
        #expect(link.take().control.count == NodeLimits.clientQueueCount * Message.reject(0, .notHeld).frame.count)
        try link.answer(0..<1024) { _ in true }
        #expect(link.take().chunks.count == 1024)
    }
}
