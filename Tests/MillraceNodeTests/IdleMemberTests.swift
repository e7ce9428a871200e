import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// Whoever joins and takes no chunks costs the others next to nothing.
@Suite(.timeLimit(.minutes(5))) struct IdleMemberTests {
    private static let chunkCount = 5000

    /// Joins as a peer with nothing on its disk.
    private func join(_ owner: RunningOwner) throws -> TestLink {
        let link = try TestLink(port: owner.port)
        try link.send(
            .hello(HelloMessage(role: .peer, swarm: .unknown, node: .random())), .join(JoinMessage(listenPort: 9)),
            .list([0]))
        guard try link.next(.welcome) != nil else { throw TookTooLong() }
        return link
    }

    /// What goes to those that take no part yet goes at a rate of its own, which they share.
    @Test func idleMembersShareASmallRateOfProofs() throws {
        let bench = try Bench(byteCount: Self.chunkCount * 1024)
        let owner = try bench.hashedOwner(chunkByteCount: 1024, peers: 1)
        let idle = try (0..<4).map { _ in try join(owner) }
        let count: ChunkID = 600
        let started = MonotonicClock.nowNanoseconds
        for link in idle { try link.send(.proofRequest(ChunkIDList.encode(runs: [0..<count]))) }
        for link in idle {
            for chunk in 0..<count {
                guard case .proof(chunk, _) = try link.next(.proof) else { throw TookTooLong() }
            }
        }
        let seconds = Double(MonotonicClock.nowNanoseconds - started) / 1e9
        // Less what each gets at once.
        let byteCount = 4 * (Int(count) - NodeLimits.idleProofCount) * WireLimits.largestProofByteCount
        #expect(seconds > Double(byteCount) / Double(NodeLimits.idleDigestBytesPerSecond))
        owner.interrupt.signal()
        #expect(throws: NodeFailure.self) { try owner.report() }
    }

    /// One who takes chunks gets its digests at once, whoever waits.
    @Test func creditsBringTheDigests() throws {
        let bench = try Bench(byteCount: Self.chunkCount * 1024)
        let owner = try bench.hashedOwner(chunkByteCount: 1024, peers: 1)
        let idle = try (0..<4).map { _ in try join(owner) }
        let peer = try bench.peer("peer", of: owner.port)
        #expect(try peer.report().contentID != nil)
        // It does not wait for those that never took part, and does not tell of them.
        #expect(try owner.report(withinSeconds: 20).members.count == 1)
        #expect(bench.output("peer") == bench.bytes)
        for link in idle { link.close() }
    }

    @Test func nobodyIsToldOfAMemberBeforeItTakesPart() throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.hashedOwner(chunkByteCount: 1024, peers: 3)
        let first = try join(owner)
        try first.send(.credit(count: 1))
        guard case .rosterAdd(0, 1, let itself) = try first.next(.rosterAdd) else { throw TookTooLong() }
        #expect(itself.peer == 0)
        let idle = try join(owner)
        let late = try join(owner)
        try late.send(.have(ChunkIDList.encode(runs: [3..<4])))
        guard case .rosterAdd(1, 2, let other) = try first.next(.rosterAdd) else { throw TookTooLong() }
        #expect(other.peer == 2)
        // The one that takes no part hears of both, and may still come in.
        #expect(try idle.next(.rosterAdd) == .rosterAdd(position: 1, total: 2, other))
        try idle.send(.request(first: 5, count: 1))
        guard case .rosterAdd(2, 3, let last) = try first.next(.rosterAdd) else { throw TookTooLong() }
        #expect(last.peer == 1)
        owner.interrupt.signal()
        #expect(throws: NodeFailure.self) { try owner.report() }
    }

    /// What went to a member that nobody heard of stays in the owner's sums when somebody else has its number.
    @Test func `the number of a member that took no part is given again`() throws {
        let bench = try Bench(byteCount: 2500)
        let node = try OwnerNode(try bench.ownerOptions())
        let address = SocketAddress(host: .v4(0x7F00_0001), port: 9)
        for bytes in [UInt64(5), 7] {
            let handler = ClientHandler(node: node, link: try Link(), address: address)
            try handler.received([Sample.hello(.peer), .join(JoinMessage(listenPort: 9))])
            #expect(handler.peer == 0)
            node.update { state, effects in
                state.members[0].bytesSent = bytes
                node.left(0, .closed("gone"), now: 1, &state, &effects)
            }
        }
        #expect(node.state.withLock { $0.members.count } == 1)
        #expect(node.state.withLock { $0.sentByteCount } == 12)
    }
}
