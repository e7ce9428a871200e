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
        try bench.policy.credit(1, count: 1)
        #expect(bench.pump() == [.grant(1, 0)])
        bench.deliver(0, to: 1)
        // It has just taken one, and is about to want the next.
        #expect(bench.pump().isEmpty)
        bench.now += SwarmLimits.shortestGrantPatienceNanoseconds
        #expect(bench.pump() == [.grant(0, 1)])
    }

    /// It may be sent a chunk where nobody else takes one. Who knows better than to ask it there gets its own.
    @Test func nobodyIsSentToAnAccusedPeerForWhatThatWasGranted() throws {
        var bench = OwnerBench(chunks: 2, peers: 2)
        _ = accuse(&bench, 0, by: 1)
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump() == [.grant(0, 0)])
        #expect(bench.rescue(1, 0, from: nil) == [.send(1, 0)])
    }

    @Test func whoWantsNothingKeepsNobodyFromWhatThereIs() throws {
        var bench = OwnerBench(chunks: 2, peers: 3)
        for accused in [PeerIndex(0), 1] { _ = accuse(&bench, accused, by: 2) }
        try bench.policy.credit(0, count: 1)
        #expect(bench.pump() == [.grant(0, 0)])
    }

    @Test func whoAccusesEverybodyIsNotHeard() {
        var bench = OwnerBench(chunks: 1, peers: SwarmLimits.accusedLimit + 3)
        let accuser = PeerIndex(SwarmLimits.accusedLimit + 1)
        for accused in 0..<accuser { _ = accuse(&bench, accused, by: accuser) }
        #expect((0..<accuser).map { bench.policy.isNews($0, by: accuser) } == [false, false, false, false, true])
        // One of them is gone: another may be accused.
        bench.policy.left(0)
        _ = accuse(&bench, 4, by: accuser)
        #expect(!bench.policy.isNews(4, by: accuser))
    }

    @Test func voicesFromOneMachineAreOneUnlessTheAccusedIsThereToo() {
        var bench = OwnerBench(chunks: 1, peers: 0)
        let hosts: [PeerAddress.Host] = [.v4(1), .v4(2), .v4(2), .v4(2)]
        for (number, host) in hosts.enumerated() {
            guard let peer = bench.policy.enlist(from: host) else { continue }
            _ = bench.policy.admit(peer, address: address(UInt32(number)))
        }
        #expect(accuse(&bench, 0, by: 1).isEmpty && accuse(&bench, 0, by: 2).isEmpty)
        #expect(accuse(&bench, 3, by: 1).isEmpty)
        #expect(accuse(&bench, 3, by: 2) == [.evict(3)])
    }

    @Test func whoTakesNoPartAccusesNobody() throws {
        var bench = OwnerBench(chunks: 1, peers: 1)
        let enlisted = bench.policy.enlist()
        let stranger = try #require(enlisted)
        _ = accuse(&bench, 0, by: stranger)
        #expect(bench.policy.isNews(0, by: stranger))
    }

    @Test func whatAPeerPassesOnMakesUpForWhatItDidNot() throws {
        var bench = OwnerBench(chunks: 8, peers: 3)
        try bench.policy.credit(0, count: 3)
        for chunk in ChunkID(0)..<3 {
            _ = bench.pump()
            bench.deliver(chunk, to: 0)
        }
        for chunk in ChunkID(0)..<2 { #expect(bench.rescue(1, chunk, from: 0) == [.send(1, chunk)]) }
        try bench.policy.credit(0, count: 1)
        try bench.policy.credit(2, count: 1)
        #expect(bench.pump() == [.grant(2, 3)])
        bench.deliver(3, to: 2)
        // What was sent once more tells nothing of it, what another has got from it does.
        bench.holds(1, 0)
        #expect(bench.pump().isEmpty)
        bench.holds(1, 2)
        #expect(bench.pump() == [.grant(0, 4)])
    }

    @Test func whoListsChunksAndGivesNoneIsBelievedNoMore() throws {
        var bench = OwnerBench(chunks: 10, peers: 4)
        bench.policy.holds(0, 0..<10)
        #expect(bench.policy.firstPassIsOut)
        for peer in PeerIndex(1)...2 {
            #expect(bench.policy.firstPassIsOut)
            #expect(bench.rescue(peer, 1 + peer, from: nil) == [.ask(peer, 1 + peer, from: 0)])
            #expect(bench.rescue(peer, 1 + peer, from: 0) == [.send(peer, 1 + peer)])
        }
        #expect(!bench.policy.firstPassIsOut)
        try bench.policy.credit(1, count: 1)
        #expect(bench.pump() == [.grant(1, 0)])
    }

    @Test func rescuesThatAreNotListedEnd() {
        var bench = OwnerBench(chunks: 100, peers: 2)
        let sent = (0..<100).count { chunk in bench.rescue(0, ChunkID(chunk), from: nil) != [] }
        #expect(sent == SwarmLimits.unlistedRescueLimit)
        bench.holds(0, 3)
        #expect(bench.rescue(0, 99, from: nil) == [.send(0, 99)])
    }

    @Test func aRescueThatHadToWaitIsAnsweredOnceChunksAreListed() {
        var bench = OwnerBench(chunks: 100, peers: 2)
        for chunk in 0..<ChunkID(SwarmLimits.unlistedRescueLimit) { _ = bench.rescue(0, chunk, from: nil) }
        #expect(bench.rescue(0, 50, from: nil) == [])
        #expect(bench.rescue(0, 60, from: nil) == [], "the last that was asked for counts")
        #expect(bench.pump() == [])
        bench.holds(0, 3)
        #expect(bench.pump() == [.send(0, 60)])
        #expect(bench.pump() == [])
    }

    @Test func aRescueThatWaitsIsForgottenWithItsPeer() {
        var bench = OwnerBench(chunks: 100, peers: 2)
        for chunk in 0...ChunkID(SwarmLimits.unlistedRescueLimit) { _ = bench.rescue(0, chunk, from: nil) }
        bench.policy.left(0)
        #expect(bench.pump() == [])
    }

    @Test func aChunkThatIsRescuedBeforeItsTurnIsOfferedAgainLikeAGrant() throws {
        var bench = OwnerBench(chunks: 3, peers: 2)
        try bench.policy.credit(1, count: 3)
        #expect(bench.pump() == [.grant(1, 0)])
        bench.deliver(0, to: 1)
        #expect(bench.rescue(0, 1, from: nil) == [.send(0, 1)])
        _ = bench.pump()
        bench.deliver(2, to: 1)
        #expect(bench.policy.firstPassIsOut)
        bench.now += SwarmLimits.shortestGrantPatienceNanoseconds
        #expect(bench.pump() == [.grant(1, 1)])
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

    @Test func `members from one address use up a part of the numbers`() throws {
        var bench = OwnerBench(chunks: 1, peers: 0)
        func joins(from host: PeerAddress.Host) -> Bool {
            guard let peer = bench.policy.enlist(from: host) else { return false }
            _ = bench.policy.admit(peer, address: address(1))
            bench.policy.left(peer)
            return true
        }
        for _ in 0..<SwarmLimits.numbersPerHost { #expect(joins(from: .v4(1))) }
        #expect(!joins(from: .v4(1)) && joins(from: .v4(2)))
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
