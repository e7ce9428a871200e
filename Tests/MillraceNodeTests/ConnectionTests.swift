import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// What a connection does for one that asks and does not read.
@Suite(.timeLimit(.minutes(5))) struct ConnectionTests {
    private static let answer = Message.have(Array(repeating: 0, count: 56))

    /// Answers everything at some length: what one read brings stays below what ends a connection.
    private final class Talkative: ConnectionHandler {
        private let link: Link
        init(link: Link) { self.link = link }

        var isIntroduced: Bool { true }
        var chunkCount: UInt32 { 0 }
        func began(now: UInt64) throws(ConnectionEnd) { _ = link.post(Sample.hello(.owner)) }

        func received(_ message: Message, now: UInt64) throws(ConnectionEnd) {
            if message == .finished { throw .ended(.leaving, "asked to") }
            _ = link.post(ConnectionTests.answer)
        }

        func willReceive(_ header: FrameHeader) throws(ConnectionEnd) -> ChunkReception { .discard }
        func received(
            _ header: FrameHeader, _ bytes: UnsafeRawBufferPointer, isGenuine: Bool, now: UInt64
        ) throws(ConnectionEnd) {}
        func discarded(_ header: FrameHeader, now: UInt64) {}
        func payload(of chunk: ChunkID) -> FilePayload? { nil }
        func sent(_ order: Link.ChunkOrder, now: UInt64) {}
        func unreadable(_ chunk: ChunkID, _ fault: SendFault) {}
        func postNews(now: UInt64) -> UInt64? { .max }
    }

    /// Answers wait up to a limit, then whoever does not take them is not read. Were it read on, the answers would go
    /// past four times that limit, which ends a connection.
    @Test func `who asks without reading is read again once it reads`() throws {
        let (near, peer) = try TestLink.pair()
        let running = try Running {
            let link = try Link()
            var connection = Connection(
                socket: near.take(), link: link, transport: try TransportChoice.make(.copy),
                handler: Talkative(link: link))
            return connection.run()
        }
        try peer.send(Sample.hello(.peer))
        let question = Message.listRequest.frame
        let questions = Array(repeatElement(question, count: 100_000).joined())
        let byteCount = try peer.offer(bytes: questions, patienceMilliseconds: 500)
        #expect(byteCount < questions.count)
        // To the end of the question that is cut.
        let asked = byteCount / question.count + 1
        for _ in 0..<asked { try #require(try peer.next(.have) == Self.answer) }
        try peer.send(bytes: Array(questions[byteCount..<(asked * question.count)]))
        #expect(try peer.next(.have) == Self.answer)
        try peer.send(.finished)
        #expect(try peer.goodbye() == .leaving)
        guard case .ended(.leaving, _) = try running.value(withinSeconds: 20) else { throw TookTooLong() }
    }
}
