import MillraceSwarm
import MillraceWire
import Testing

/// What an owner makes of a peer that another calls a liar.
@Suite struct OwnerTrustTests {
    private func accuse(_ bench: inout OwnerBench, _ accused: PeerIndex, by accuser: PeerIndex) -> [OwnerAction] {
        var actions: [OwnerAction] = []
        bench.policy.bad(accused, by: accuser, into: &actions)
        return actions
    }

    @Test func whatOnlyAnAccusedPeerSaysItHoldsIsOffered() throws {
        var bench = OwnerBench(chunks: 4, peers: 3)
        bench.policy.holds(0, 0..<4)
        bench.holds(2, 3)
        #expect(bench.policy.firstPassIsOut)
        #expect(accuse(&bench, 0, by: 1).isEmpty)
        #expect(!bench.policy.firstPassIsOut)
        try bench.policy.credit(1, count: 9)
        var granted: [ChunkID] = []
        for _ in 0..<6 {
            for action in bench.pump() {
                guard case .grant(1, let chunk) = action else { continue }
                granted.append(chunk)
                bench.deliver(chunk, to: 1)
            }
        }
        #expect(granted == [0, 1, 2])
    }

    @Test func whatAnAccusedPeerAddsCountsForNothing() {
        var bench = OwnerBench(chunks: 2, peers: 2)
        _ = accuse(&bench, 0, by: 1)
        bench.policy.holds(0, 0..<2)
        #expect(!bench.policy.firstPassIsOut)
        bench.policy.left(0)
        #expect(!bench.policy.firstPassIsOut)
    }

    @Test func anAccusedPeerIsGrantedNothingWhileOthersWait() throws {
        var bench = OwnerBench(chunks: 2, peers: 2)
        _ = accuse(&bench, 0, by: 1)
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump().isEmpty)
        try bench.policy.credit(1, count: 1)
        #expect(bench.pump() == [.grant(1, 0)])
    }

    @Test func whatAnAccusedPeerWasGrantedIsOfferedAgainOnceItLeaves() throws {
        var bench = OwnerBench(chunks: 2, peers: 2)
        _ = accuse(&bench, 0, by: 1)
        bench.policy.complete(1)
        try bench.policy.credit(0, count: 2)
        #expect(bench.pump() == [.grant(0, 0)])
        bench.deliver(0, to: 0)
        #expect(bench.pump() == [.grant(0, 1)])
        #expect(bench.policy.firstPassIsOut)
        bench.policy.left(0)
        #expect(!bench.policy.firstPassIsOut)
    }

    @Test func nobodyIsSentToAnAccusedPeer() {
        var bench = OwnerBench(chunks: 2, peers: 3)
        bench.policy.holds(0, 0..<2)
        _ = accuse(&bench, 0, by: 1)
        #expect(bench.rescue(2, 1, from: nil) == [.send(2, 1)])
    }

    @Test func oneVoiceIsHeardOnce() {
        var bench = OwnerBench(chunks: 2, peers: 3)
        #expect(bench.policy.isNews(0, by: 1))
        #expect(accuse(&bench, 0, by: 1).isEmpty)
        #expect(!bench.policy.isNews(0, by: 1))
        #expect(accuse(&bench, 0, by: 1).isEmpty)
        #expect(!bench.policy.isNews(0, by: 0))
        #expect(accuse(&bench, 0, by: 2) == [.evict(0)])
    }
}

/// What a peer takes for an answer to what it asked.
@Suite struct PeerDueTests {
    @Test func onlyWhatWasAskedIsDue() {
        var bench = PeerBench(chunks: 4, sources: [1])
        #expect(!bench.policy.isDue(0, from: .grant))
        #expect(!bench.policy.isDue(0, from: .rescue))
        #expect(!bench.policy.isDue(0, from: .peer(1)))
        bench.policy.startGrants(at: bench.now, into: &bench.actions)
        #expect(bench.policy.isDue(0, from: .grant))
        bench.policy.holds(1, 2..<3, at: bench.now, into: &bench.actions)
        #expect(bench.policy.isDue(2, from: .peer(1)))
        #expect(!bench.policy.isDue(1, from: .peer(1)))
        bench.policy.verified(2, from: .peer(1), at: bench.now, into: &bench.actions)
        #expect(!bench.policy.isDue(2, from: .peer(1)))
        // A source that is none any more may still answer.
        bench.policy.sourceLost(1, at: bench.now, into: &bench.actions)
        #expect(bench.policy.isDue(1, from: .peer(1)))
        bench.policy.ownerLost()
        #expect(!bench.policy.isDue(0, from: .grant))
    }

    @Test func `many credits bring no more than two chunks until the first is listed`() throws {
        var bench = OwnerBench(chunks: 100, peers: 2)
        // A fast link, on which all credits would be served at once.
        try bench.policy.credit(1, count: 1)
        #expect(bench.pump() == [.grant(1, 0)])
        bench.deliver(0, to: 1, after: millisecond / 10)
        try bench.policy.credit(0, count: 1000)
        #expect(bench.pump() == [.grant(0, 1), .grant(0, 2)])
        try bench.policy.credit(0, count: 24)
        #expect(bench.pump() == [])
        #expect(throws: WireError.self) { try bench.policy.credit(0, count: 3) }
        bench.deliver(1, to: 0, after: millisecond / 10)
        #expect(bench.pump().count == 97)
    }

    @Test func `a newcomer is on the ring once it takes part`() throws {
        var bench = OwnerBench(chunks: 10, peers: 1)
        let enlisted = bench.policy.enlist()
        let peer = try #require(enlisted)
        #expect(bench.policy.ring.count == 1)
        try bench.policy.credit(peer, count: 1)
        #expect(bench.pump() == [.grant(peer, 0)])
        let places = (0..<2).map { _ in bench.policy.admit(peer, address: address(1)) }
        #expect(places == [1, nil])
        bench.policy.left(peer)
        #expect(bench.policy.ring.count == 1)
        let late = bench.policy.admit(peer, address: address(1))
        #expect(late == nil)
    }

    @Test func `strangers that come and go use up no numbers, members do`() throws {
        var bench = OwnerBench(chunks: 1, peers: 1)
        for _ in 0..<(WireLimits.largestPeerCount + 1) {
            let stranger = bench.policy.enlist()
            #expect(stranger == 1)
            bench.policy.left(1)
        }
        let (first, second) = (bench.policy.enlist(), bench.policy.enlist())
        #expect(first == 1 && second == 2)
        let place = bench.policy.admit(1, address: address(1))
        #expect(place == 1)
        bench.policy.left(1)
        let third = bench.policy.enlist()
        #expect(third == 3)
    }

    /// What was on its way to a stranger is not asked from whoever has its number next.
    @Test func `a number that is given again starts afresh`() throws {
        var bench = OwnerBench(chunks: 2, peers: 1)
        let stranger = try #require({ bench.policy.enlist() }())
        #expect(bench.rescue(stranger, 1, from: nil) == [.send(stranger, 1)])
        bench.policy.left(stranger)
        let next = bench.policy.enlist()
        #expect(next == stranger)
        #expect(bench.rescue(0, 1, from: nil) == [.send(0, 1)])
    }

    /// Whoever comes from an address that took chunks for nothing must list one before anybody hears of it.
    @Test func `an address that wastes chunks is granted few until somebody there lists one`() throws {
        var bench = OwnerBench(chunks: 1000, peers: 1)
        let host = PeerAddress.Host.v4(7)
        var wasted = 0
        while wasted < SwarmLimits.wasteLimit {
            let (peer, isAdmitted) = try newcomer(&bench, from: host)
            #expect(isAdmitted)
            try bench.policy.credit(peer, count: 2)
            if !bench.pump().isEmpty { wasted += 1 }
            bench.policy.left(peer)
        }
        let (suspect, isAdmitted) = try newcomer(&bench, from: host)
        #expect(!isAdmitted)
        #expect(try newcomer(&bench, from: .v4(8)).isAdmitted)
        try bench.policy.credit(suspect, count: 2)
        var granted: [PeerIndex: Int] = [:]
        for _ in 0..<60 {
            try bench.policy.credit(0, count: 1)
            for case .grant(let peer, let chunk) in bench.pump() {
                granted[peer, default: 0] += 1
                if peer == 0 { bench.deliver(chunk, to: peer) }
            }
        }
        #expect((1...3).contains(granted[suspect] ?? 0))
        // It lists what it was granted: it is a peer like any other, and so is whoever comes from there next.
        bench.policy.holds(suspect, 0..<1000)
        let place = bench.policy.admit(suspect, address: address(8))
        #expect(place != nil)
        #expect(try newcomer(&bench, from: host).isAdmitted)
    }

    private func newcomer(
        _ bench: inout OwnerBench, from host: PeerAddress.Host
    ) throws -> (peer: PeerIndex, isAdmitted: Bool) {
        let enlisted = bench.policy.enlist(from: host)
        let peer = try #require(enlisted)
        return (peer, bench.policy.admit(peer, address: address(7)) != nil)
    }
}
