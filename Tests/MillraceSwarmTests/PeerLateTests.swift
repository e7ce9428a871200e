import MillraceSwarm
import MillraceWire
import Testing

@Suite("What a peer does about trouble")
struct PeerLateTests {
    @Test func `a late request is cancelled and goes to another holder`() throws {
        var bench = PeerBench(chunks: 10, sources: [1, 2])
        bench.holds(1, 4..<5)
        bench.holds(2, 4..<5)
        #expect(bench.take() == [.request(1, 4)])
        bench.now = try #require(bench.policy.nextDeadline)
        bench.tick()
        #expect(bench.take() == [.cancel(1, 4), .request(2, 4)])
    }

    @Test func `nothing is late before its time`() throws {
        var bench = PeerBench(chunks: 10, sources: [1, 2])
        bench.holds(1, 4..<5)
        bench.holds(2, 4..<5)
        _ = bench.take()
        bench.now = try #require(bench.policy.nextDeadline) - 1
        bench.tick()
        #expect(bench.take() == [])
    }

    /// The only source of chunk 0 is late with it.
    private func lateBench(chunks: UInt32) throws -> PeerBench {
        var bench = PeerBench(chunks: chunks, sources: [1])
        bench.holds(1, 0..<1)
        _ = bench.take()
        bench.now = try #require(bench.policy.nextDeadline)
        bench.tick()
        return bench
    }

    @Test func `a late chunk that nobody else has is rescued, at once if it is the last`() throws {
        var bench = try lateBench(chunks: 1)
        #expect(bench.take() == [.rescue(0, from: 1)])
    }

    @Test func `in the middle a chunk must be late twice to be rescued`() throws {
        var bench = try lateBench(chunks: 10)
        #expect(bench.take() == [])
        bench.now = try #require(bench.policy.nextDeadline)
        bench.tick()
        #expect(bench.take() == [.rescue(0, from: 1)])
    }

    @Test func `who can't be reached is told of at once, for each chunk once`() throws {
        var bench = try lateBench(chunks: 1)
        #expect(bench.take() == [.rescue(0, from: 1)])
        bench.policy.sentElsewhere(0, to: 7, at: bench.now, into: &bench.actions)
        #expect(bench.take() == [.connect(7)])
        bench.policy.unreached(6, at: bench.now, into: &bench.actions)
        #expect(bench.take() == [])
        for expected in [[.rescue(0, from: 7)], []] as [[PeerAction]] {
            bench.policy.unreached(7, at: bench.now, into: &bench.actions)
            #expect(bench.take() == expected)
        }
    }

    @Test func `one rescue at a time`() throws {
        var bench = PeerBench(chunks: 4, sources: [1])
        bench.holds(1, 0..<4)
        _ = bench.take()
        var rescues: [ChunkID] = []
        for _ in 0..<2 {
            bench.now = try #require(bench.policy.nextDeadline)
            bench.tick()
            rescues += bench.take().rescues
        }
        #expect(rescues.count == 1)
    }

    @Test func `a frozen source takes no slots from the others`() throws {
        var bench = PeerBench(chunks: 100, sources: [1, 2, 3, 4, 5])
        for source in 1...4 as ClosedRange<PeerIndex> { bench.holds(source, 0..<8) }
        _ = bench.take()
        for _ in 0..<4 {
            bench.now += 60_000 * millisecond
            bench.tick()
        }
        _ = bench.take()
        bench.holds(5, 50..<100)
        #expect(bench.take().requests.contains { $0.peer == 5 })
    }

    @Test func `a peer that waits for nothing takes what it lacks for stranded`() throws {
        var bench = PeerBench(chunks: 3, sources: [1])
        bench.start()
        _ = bench.take()
        bench.verified(1, from: .grant)
        bench.verified(2, from: .grant)
        _ = bench.take()
        let since = bench.now
        bench.now = try #require(bench.policy.nextDeadline)
        #expect(bench.now - since == SwarmLimits.strandedHedgePeriods * bench.policy.hedgeNanoseconds)
        bench.tick()
        #expect(bench.take().rescues == [0])
    }

    /// Two sources, of which the first is late with one of the last chunks and the second has it too.
    private func endBench(chunks: UInt32) -> PeerBench {
        var bench = PeerBench(chunks: chunks, sources: [1, 2])
        bench.holds(2, 0..<1)
        bench.now += 200 * millisecond
        bench.verified(0, from: .peer(2))
        bench.holds(1, 1..<2)
        bench.holds(2, 1..<2)
        return bench
    }

    @Test func `near the end a source with nothing to do is asked instead of a late one sooner`() throws {
        var bench = endBench(chunks: 2)
        #expect(bench.take().requests.last! == (1, 1))
        let asked = bench.now
        bench.now = try #require(bench.policy.nextDeadline)
        #expect(bench.now - asked == SwarmLimits.endHedgeServiceTimes * 200 * millisecond)
        bench.tick()
        #expect(bench.take() == [.cancel(1, 1), .request(2, 1)])
    }

    @Test func `while there is more to ask for a request has its usual time`() throws {
        let bench = endBench(chunks: 10)
        let asked = bench.now
        #expect(try #require(bench.policy.nextDeadline) - asked == bench.policy.hedgeNanoseconds)
    }

    @Test func `the owner's advice is followed: connect, then request when it is listed`() {
        var bench = PeerBench(chunks: 10, sources: [7, 1], ringOnly: true)
        _ = bench.take()
        bench.policy.sourceLost(7, at: bench.now, into: &bench.actions)
        #expect(bench.take() == [])
        bench.policy.sentElsewhere(4, to: 7, at: bench.now, into: &bench.actions)
        #expect(bench.take() == [.connect(7)])
        bench.policy.sourceConnected(7, at: bench.now, into: &bench.actions)
        bench.holds(7, 4..<5)
        #expect(bench.take() == [.request(7, 4)])
        // It was a source for that alone.
        bench.holds(7, 5..<6)
        #expect(bench.take() == [])
        bench.verified(4, from: .peer(7))
        #expect(bench.take() == [.disconnect(7)])
    }

    @Test func `without an owner nobody is asked for a rescue, and a third source before nobody`() throws {
        var bench = PeerBench(chunks: 1, sources: [1, 2, 3])
        for source in PeerIndex(1)...3 { bench.holds(source, 0..<1) }
        bench.policy.ownerLost()
        var asked = bench.take().requests.map(\.peer)
        for _ in 0..<3 {
            bench.now = try #require(bench.policy.nextDeadline)
            bench.tick()
            let actions = bench.take()
            #expect(actions.rescues == [])
            asked += actions.requests.map(\.peer)
        }
        #expect(asked.sorted() == [1, 2, 3])
    }

    @Test func `an owner that came back is asked for no chunk whose digest it has not sent`() throws {
        var bench = PeerBench(chunks: 4, sources: [1])
        bench.start()
        bench.policy.ownerLost()
        bench.policy.welcomed(as: 5)
        bench.start()
        bench.policy.digestsKnown(below: 2, at: bench.now, into: &bench.actions)
        for _ in 0..<2 { bench.verified(ChunkID(bench.policy.have.count), from: .grant) }
        bench.now += 60_000 * millisecond
        bench.tick()
        #expect(bench.take().rescues == [])
        bench.policy.digestsKnown(below: 4, at: bench.now, into: &bench.actions)
        bench.now += 60_000 * millisecond
        bench.tick()
        #expect(bench.take().rescues == [2])
    }

    @Test func `without an owner others stand in for sources that are gone`() {
        let others = Array(PeerIndex(1)...15)
        var bench = PeerBench(chunks: 100, sources: others)
        let sources = bench.policy.wantedSources
        #expect(sources.count == SwarmLimits.middlingSourceCount)
        for source in sources { bench.policy.sourceLost(source, at: bench.now, into: &bench.actions) }
        #expect(bench.policy.wantedSources == sources)
        _ = bench.take()
        bench.policy.ownerLost()
        bench.tick()
        let connects = bench.take().filter { if case .connect = $0 { true } else { false } }
        #expect(connects.count == 2 * sources.count)
        bench.policy.welcomed(as: 0)
        #expect(bench.policy.wantedSources == sources)
    }

    @Test func `a peer that has come back keeps its sources until it has its place on the ring`() {
        var bench = PeerBench(chunks: 4, sources: [1, 2])
        _ = bench.take()
        bench.policy.ownerLost()
        bench.policy.welcomed(as: 5)
        bench.policy.rosterChanged(ring([1, 2]), at: bench.now, into: &bench.actions)
        #expect(bench.take() == [])
        bench.policy.rosterChanged(ring([1, 5]), at: bench.now, into: &bench.actions)
        #expect(bench.take() == [.disconnect(2)])
    }

    @Test func `advice to ask a liar is answered with an accusation`() {
        var bench = PeerBench(chunks: 10, sources: [1])
        bench.holds(1, 4..<5)
        bench.policy.bad(4, from: .peer(1), at: bench.now, into: &bench.actions)
        _ = bench.take()
        bench.policy.sentElsewhere(4, to: 1, at: bench.now, into: &bench.actions)
        #expect(bench.take() == [.accuse(1, 4)])
    }

    @Test func `a liar is left, accused and never a source again`() {
        var bench = PeerBench(chunks: 10, sources: [1, 2])
        bench.holds(1, 4..<5)
        bench.holds(2, 4..<5)
        _ = bench.take()
        bench.policy.bad(4, from: .peer(1), at: bench.now, into: &bench.actions)
        #expect(bench.take() == [.accuse(1, 4), .disconnect(1), .request(2, 4)])
        #expect(!bench.policy.wantedSources.contains(1))
        bench.policy.sourceConnected(1, at: bench.now, into: &bench.actions)
        #expect(bench.take() == [.disconnect(1)])
    }

    @Test func `what was asked from a lost source is asked elsewhere`() {
        var bench = PeerBench(chunks: 10, sources: [1, 2])
        bench.holds(1, 4..<5)
        bench.holds(2, 4..<5)
        _ = bench.take()
        bench.policy.sourceLost(1, at: bench.now, into: &bench.actions)
        #expect(bench.take() == [.request(2, 4)])
    }

    @Test func `a member that left the ring is no source any more, a new one becomes one`() {
        var bench = PeerBench(chunks: 10, sources: [1, 2])
        bench.policy.rosterChanged(ring([0, 2, 3]), at: bench.now, into: &bench.actions)
        #expect(bench.take() == [.connect(3), .disconnect(1)])
        #expect(!bench.policy.isSource(1))
    }

    @Test func `a chord the ring gives to others is left once it has answered`() {
        let members = Array(0..<40) as [PeerIndex]
        var bench = PeerBench(chunks: 10, sources: [])
        bench.policy.rosterChanged(ring(members), at: bench.now, into: &bench.actions)
        let old = bench.policy.wantedSources[3]
        bench.policy.sourceConnected(old, at: bench.now, into: &bench.actions)
        bench.holds(old, 4..<5)
        _ = bench.take()
        let rotated = [0] + members.filter { $0 != 0 && $0 != old } + [100, old, 101, 102, 103]
        bench.policy.rosterChanged(ring(rotated), at: bench.now, into: &bench.actions)
        #expect(!bench.policy.wantedSources.contains(old))
        #expect(!bench.take().contains(.disconnect(old)))
        bench.verified(4, from: .peer(old))
        #expect(bench.take().contains(.disconnect(old)))
    }

    @Test func `whose source leaves takes what the ring gives at once`() {
        var bench = PeerBench(chunks: 10, sources: [])
        let members = Array(0..<40) as [PeerIndex]
        bench.policy.rosterChanged(ring(members), at: bench.now, into: &bench.actions)
        let lost = bench.policy.wantedSources[2]
        _ = bench.take()
        bench.policy.rosterChanged(ring(members.filter { $0 != lost }), at: bench.now, into: &bench.actions)
        #expect(bench.policy.wantedSources.count == SwarmLimits.middlingSourceCount)
        #expect(!bench.policy.wantedSources.contains(lost))
    }

    @Test func `two credits are kept with the owner, none before the disk is read`() {
        var bench = PeerBench(chunks: 10)
        bench.verified(0, from: .disk)
        #expect(bench.take() == [])
        bench.start()
        #expect(bench.take() == [.credit(SwarmLimits.creditWindow)])
        bench.now += 4 * millisecond
        bench.verified(1, from: .grant)
        #expect(bench.take() == [.credit(1)])
    }

    @Test func `without an owner the neighbours still serve`() {
        var bench = PeerBench(chunks: 10, sources: [1])
        bench.start()
        _ = bench.take()
        bench.policy.ownerLost()
        bench.holds(1, 4..<5)
        #expect(bench.take() == [.request(1, 4)])
        bench.verified(4, from: .peer(1))
        #expect(bench.take() == [])
    }

    @Test func `a bad chunk from the owner costs its credit, which is given anew`() {
        var bench = PeerBench(chunks: 10)
        bench.start()
        _ = bench.take()
        bench.policy.bad(0, from: .grant, at: bench.now, into: &bench.actions)
        #expect(bench.take() == [.credit(1)])
    }
}
