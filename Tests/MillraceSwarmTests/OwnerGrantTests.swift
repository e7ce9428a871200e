import MillraceSwarm
import MillraceWire
import Testing

@Suite("The owner's hand-out")
struct OwnerGrantTests {
    @Test func `credits are served in the order they came, with the lowest chunk never sent`() throws {
        var bench = OwnerBench(chunks: 10, peers: 3)
        try bench.policy.credit(2, count: 1)
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump() == [.grant(2, 0), .grant(0, 1)])
    }

    /// Where many credits stand in ring order, chunks begin their way far from each other; all credits get their turn.
    @Test func `on a large ring grants go all over it, and each credit is served`() throws {
        var bench = OwnerBench(chunks: 200, peers: 100)
        for peer in 0..<100 { try bench.policy.credit(PeerIndex(peer), count: 1) }
        var granted: [PeerIndex] = []
        while granted.count < 100 {
            let grants = bench.pump()
            try #require(!grants.isEmpty)
            for case .grant(let peer, let chunk) in grants {
                granted.append(peer)
                bench.deliver(chunk, to: peer)
            }
        }
        let neighbourCount = zip(granted, granted.dropFirst()).count { $1 == $0 + 1 }
        #expect(neighbourCount < 10, "\(granted)")
        #expect(Set(granted).count == 100)
    }

    @Test func `no chunk is handed out twice while its peer lives`() throws {
        var bench = OwnerBench(chunks: 3, peers: 2)
        var granted: [ChunkID] = []
        for _ in 0..<6 {
            try bench.policy.credit(0, count: 1)
            try bench.policy.credit(1, count: 1)
            for case .grant(let peer, let chunk) in bench.pump() {
                granted.append(chunk)
                bench.deliver(chunk, to: peer)
            }
        }
        #expect(granted == [0, 1, 2])
        #expect(bench.policy.firstPassIsOut)
        #expect(bench.policy.sentChunkCount == 3)
    }

    @Test func `chunks are bound late: one at a time to each peer`() throws {
        var bench = OwnerBench(chunks: 10, peers: 2)
        try bench.policy.credit(0, count: 2)
        #expect(bench.pump() == [.grant(0, 0)])
        #expect(bench.pump() == [])
        bench.deliver(0, to: 0)
        #expect(bench.pump() == [.grant(0, 1)])
    }

    @Test func `a slow link is given to half of the peers at a time`() throws {
        var bench = OwnerBench(chunks: 100, peers: 8)
        for peer in 0..<8 { try bench.policy.credit(PeerIndex(peer), count: 2) }
        #expect(bench.pump().count == 4)
    }

    @Test func `a fast link serves all credits at once`() throws {
        var bench = OwnerBench(chunks: 100, peers: 2)
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump().count == 1)
        bench.deliver(0, to: 0, after: millisecond / 10)
        #expect(!bench.policy.takesTurns)
        bench.holds(1, 0)
        try bench.policy.credit(0, count: 1)
        try bench.policy.credit(1, count: 1)
        #expect(bench.pump() == [.grant(0, 1), .grant(1, 2)])
    }

    @Test func `a peer that reads slowly does not keep its turn`() throws {
        var bench = OwnerBench(chunks: 100, peers: 2)
        for peer in 0..<2 { try bench.policy.credit(PeerIndex(peer), count: 1) }
        #expect(bench.pump().count == 2)
        _ = bench.policy.join(address: address(7))
        try bench.policy.credit(2, count: 1)
        #expect(bench.pump() == [])
        let deadline = try #require(bench.policy.nextDeadline(at: bench.now))
        bench.now = deadline
        #expect(bench.pump() == [.grant(2, 2)])
    }

    @Test func `a link that has been idle for its readers is given to more of them`() throws {
        var bench = OwnerBench(chunks: 1000, peers: 8)
        for peer in 0..<8 { try bench.policy.credit(PeerIndex(peer), count: 100) }
        var waiting = bench.pump()
        for _ in 0..<80 {
            guard case .grant(let peer, let chunk)? = waiting.first else { break }
            bench.deliver(chunk, to: peer)
            bench.holds(peer == 0 ? 1 : 0, chunk)
            waiting = waiting.dropFirst() + bench.pump()
        }
        #expect(waiting.count == 4)
        // Not yet time for a slow reader to lose its turn.
        bench.now += 20 * millisecond
        #expect(try #require(bench.policy.nextDeadline(at: bench.now)) > bench.now)
        #expect(waiting.count + bench.pump().count == 8)
    }

    @Test func `a peer whose grants nobody else has waits behind one that passed its own on`() throws {
        var bench = OwnerBench(chunks: 100, peers: 2)
        for chunk in [0, 1] as [ChunkID] {
            try bench.policy.credit(0, count: 1)
            #expect(bench.pump() == [.grant(0, chunk)])
            bench.deliver(chunk, to: 0)
        }
        try bench.policy.credit(0, count: 1)
        try bench.policy.credit(1, count: 1)
        #expect(bench.pump() == [.grant(1, 2), .grant(0, 3)])
        bench.deliver(2, to: 1)
        bench.deliver(3, to: 0)
        bench.holds(1, 0)
        bench.holds(1, 1)
        bench.holds(1, 3)
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump() == [.grant(0, 4)])
    }

    /// Peer 0 holds these chunks and was granted six that nobody took, peer 1 two that peer 0 has; both ask for more.
    private func unevenBench(chunks: UInt32, broughtBy0: Range<ChunkID>) throws -> OwnerBench {
        var bench = OwnerBench(chunks: chunks, peers: 2)
        bench.policy.holds(0, broughtBy0)
        for chunk in 0..<8 as Range<ChunkID> {
            let peer: PeerIndex = chunk < 6 ? 0 : 1
            try bench.policy.credit(peer, count: 1)
            #expect(bench.pump() == [.grant(peer, chunk)])
            bench.deliver(chunk, to: peer)
            if peer == 1 { bench.holds(0, chunk) }
        }
        try bench.policy.credit(1, count: 1)
        try bench.policy.credit(0, count: 1)
        return bench
    }

    @Test func `a far worse relay is not fed while a good one is being sent to`() throws {
        var bench = try unevenBench(chunks: 100, broughtBy0: 90..<90)
        #expect(bench.pump() == [.grant(1, 8)])
    }

    /// Its link is full of what others have: that it has not taken the other's grants yet says nothing of the other.
    @Test func `a newcomer that is far behind is not waited for`() throws {
        var bench = try unevenBench(chunks: 300, broughtBy0: 200..<300)
        #expect(bench.pump() == [.grant(1, 8), .grant(0, 9)])
    }

    @Test func `chunks that a peer brought along are not sent`() throws {
        var bench = OwnerBench(chunks: 4, peers: 2)
        bench.policy.holds(0, 0..<2)
        try bench.policy.credit(1, count: 1)
        #expect(bench.pump() == [.grant(1, 2)])
    }

    @Test func `chunks are handed out only once they are hashed`() throws {
        var bench = OwnerBench(chunks: 4, peers: 1, hashed: 0)
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump() == [])
        bench.policy.hashed(0..<1)
        #expect(bench.pump() == [.grant(0, 0)])
    }

    @Test func `more credits than the limit are the peer's fault`() {
        var bench = OwnerBench(chunks: 4, peers: 1)
        #expect(throws: WireError.limitExceeded(limit: "credits")) {
            try bench.policy.credit(0, count: WireLimits.largestOutstandingCount + 1)
        }
    }

    @Test func `a complete peer is sent nothing more`() throws {
        var bench = OwnerBench(chunks: 4, peers: 2)
        try bench.policy.credit(0, count: 1)
        bench.policy.complete(0)
        #expect(bench.pump() == [])
        #expect(!bench.policy.allComplete)
        bench.policy.complete(1)
        #expect(bench.policy.allComplete)
    }
}
