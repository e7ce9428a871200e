import MillraceSwarm
import MillraceWire
import Testing

@Suite("What the owner does about peers that list chunks and pass none on")
struct OwnerMuteTests {
    /// Three peers pass on what they are granted after `delay`; then peer 0 is granted the last chunk but `left` and
    /// lists it.
    private func bench(passingOnAfter delay: UInt64 = 20 * millisecond, leaving left: UInt32 = 0) throws -> OwnerBench {
        var bench = OwnerBench(chunks: 25 + left, peers: 3)
        try bench.handOut(24, to: [0, 1, 2], after: delay) { ($0 + 1) % 3 }
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump() == [.grant(0, 24)])
        bench.deliver(24, to: 0)
        return bench
    }

    /// How long until the owner hands something out for a credit of this peer's, and what; nil if it never does. Peer 0
    /// says meanwhile that it gets chunks of others.
    private func nextGrant(
        _ bench: inout OwnerBench, to peer: PeerIndex, isHeard: Bool = true
    ) throws -> (chunk: ChunkID, after: UInt64)? {
        let start = bench.now
        var others = (0..<8).map { ChunkID(3 * $0 + 1) }
        try bench.policy.credit(peer, count: 1)
        while bench.now < start + 60_000 * millisecond {
            if case .grant(peer, let chunk)? = bench.pump().first { return (chunk, bench.now - start) }
            guard let deadline = bench.policy.nextDeadline(at: bench.now) else { return nil }
            bench.now = max(bench.now + 1, deadline)
            if isHeard, !others.isEmpty { bench.holds(0, others.removeFirst()) }
        }
        return nil
    }

    @Test func `a chunk that nobody gets from the peer that has it is offered again`() throws {
        var bench = try bench()
        let again = try #require(try nextGrant(&bench, to: 1))
        #expect(again.chunk == 24)
        let patience = SwarmLimits.shortestGrantPatienceNanoseconds
        #expect(again.after >= patience && again.after <= patience + patience / SwarmLimits.muteChecksPerPatience)
    }

    @Test func `once only`() throws {
        var bench = try bench()
        _ = try #require(try nextGrant(&bench, to: 1))
        bench.policy.wrote(1, at: bench.now)
        #expect(try nextGrant(&bench, to: 2) == nil)
    }

    @Test func `what another has by then is not`() throws {
        var bench = try bench()
        bench.now += 300 * millisecond
        bench.holds(2, 24)
        #expect(try nextGrant(&bench, to: 1) == nil)
    }

    /// Who stops for a while has what it has for others when it goes on.
    @Test func `who says nothing either is not mute, but silent`() throws {
        var bench = try bench()
        #expect(try nextGrant(&bench, to: 1, isHeard: false) == nil)
    }

    @Test func `who takes long to pass chunks on has longer`() throws {
        var bench = try bench(passingOnAfter: 500 * millisecond)
        bench.policy.complete(0)
        let again = try #require(try nextGrant(&bench, to: 1))
        #expect(again.chunk == 24)
        #expect(again.after >= SwarmLimits.grantPatienceTimes * 500 * millisecond)
    }

    @Test func `as long as others get something of its grants it keeps the rest`() throws {
        var bench = try bench(leaving: 8)
        for chunk in 25..<33 as Range<ChunkID> {
            try bench.policy.credit(0, count: 1)
            #expect(bench.pumpInTime() == [.grant(0, chunk)])
            bench.deliver(chunk, to: 0)
            bench.now += 300 * millisecond
            bench.holds(1, chunk)
        }
        let again = try #require(try nextGrant(&bench, to: 2))
        #expect(again.chunk == 24)
        #expect(again.after >= SwarmLimits.shortestGrantPatienceNanoseconds)
    }

    @Test func `who kept two to itself waits for others with its next credits`() throws {
        var bench = try bench(leaving: 3)
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump() == [.grant(0, 25)])
        bench.deliver(25, to: 0)
        bench.now += 900 * millisecond
        bench.holds(0, 1)
        bench.now += 100 * millisecond
        try bench.policy.credit(0, count: 1)
        try bench.policy.credit(1, count: 1)
        #expect(bench.pump() == [.grant(1, 24)])
    }
}
