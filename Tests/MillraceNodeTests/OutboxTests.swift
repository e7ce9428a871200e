import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// What a connection sends, seen from the other end.
@Suite(.timeLimit(.minutes(2))) struct OutboxTests {
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
}
