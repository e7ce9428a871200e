import MillraceSwarm
import MillraceWire
import Testing

@Suite("Who gets the last chunks from the owner")
struct OwnerEndTests {
    private static func other(than peer: PeerIndex) -> PeerIndex { peer == 0 ? 1 : 0 }

    /// Three peers, of which the last takes 300 ms to pass a chunk on and the others 4; so many chunks are left.
    private func bench(leaving left: Int) throws -> OwnerBench {
        var bench = OwnerBench(chunks: 200, peers: 3)
        try bench.handOut(2, to: [2], after: 300 * millisecond, seenAt: OwnerEndTests.other)
        try bench.handOut(198 - left, to: [0, 1], after: 4 * millisecond, seenAt: OwnerEndTests.other)
        return bench
    }

    @Test func `long before the end a slow peer is granted chunks like all others`() throws {
        var bench = try bench(leaving: 100)
        try bench.policy.credit(2, count: 1)
        #expect(bench.pump() == [.grant(2, 100)])
    }

    @Test func `near the end its credit waits, and others take the chunk`() throws {
        var bench = try bench(leaving: 20)
        try bench.policy.credit(2, count: 1)
        #expect(bench.pump() == [])
        try bench.policy.credit(1, count: 1)
        #expect(bench.pump() == [.grant(1, 180)])
    }

    @Test func `it waits no longer than it would take itself`() throws {
        var bench = try bench(leaving: 20)
        try bench.policy.credit(2, count: 1)
        #expect(bench.pump() == [])
        let deadline = try #require(bench.policy.nextDeadline(at: bench.now))
        #expect(deadline > bench.now && deadline <= bench.now + 300 * millisecond)
        bench.now = deadline
        #expect(bench.pump() == [.grant(2, 180)])
    }

    @Test func `it gets the last chunks where the others are done`() throws {
        var bench = try bench(leaving: 20)
        for peer in 0..<2 as Range<PeerIndex> { bench.policy.complete(peer) }
        try bench.policy.credit(2, count: 1)
        #expect(bench.pump() == [.grant(2, 180)])
    }

    /// As long as it was alone there was nobody to pass a chunk on to: that says nothing of it.
    @Test func `who was alone for long is not slow for that`() throws {
        var bench = OwnerBench(chunks: 100, peers: 1)
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump() == [.grant(0, 0)])
        bench.deliver(0, to: 0)
        bench.now += 60_000 * millisecond
        _ = bench.policy.join(address: address(1))
        bench.holds(1, 0)
        try bench.handOut(90, to: [0, 1], after: 4 * millisecond, seenAt: OwnerEndTests.other)
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump() == [.grant(0, 91)])
    }

    /// The last of two takes long to pass on what it gets only because the other is busy with all that it lacks.
    @Test func `who is far ahead does not wait for one that lacks most of the file`() throws {
        var bench = OwnerBench(chunks: 200, peers: 2)
        try bench.handOut(40, to: [0, 1], after: 4 * millisecond, seenAt: OwnerEndTests.other)
        for chunk in 40..<190 as Range<ChunkID> {
            try bench.policy.credit(0, count: 1)
            #expect(bench.pumpInTime() == [.grant(0, chunk)])
            bench.deliver(chunk, to: 0)
        }
        bench.holds(1, 40)
        bench.now += 300 * millisecond
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump() == [.grant(0, 190)])
    }
}
