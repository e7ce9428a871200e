import MillraceWire
import Testing

@testable import MillraceSwarm

@Suite("The ring")
struct RingTests {
    @Test func `up to nine members everybody fetches from everybody, predecessor first`() {
        let small = ring([0, 1, 2, 3])
        #expect(small.sources(of: 0) == [3, 2, 1])
        #expect(small.sources(of: 2) == [1, 0, 3])
        #expect(ring(Array(0..<9)).sources(of: 4).count == 8)
    }

    @Test func `a member alone has no sources`() {
        #expect(ring([5]).sources(of: 5) == [])
        #expect(ring([5]).sources(of: 6) == [])
    }

    @Test func `chords lie at distances that grow evenly up to the ring's size`() {
        #expect(Ring.distances(memberCount: 16, limit: 8) == [1, 2, 3, 4, 6, 8, 11])
        #expect(Ring.distances(memberCount: 64, limit: 8) == [1, 2, 3, 5, 8, 13, 23, 38])
        #expect(Ring.distances(memberCount: 256, limit: 8) == [1, 2, 3, 8, 21, 42, 91, 192])
        #expect(Ring.distances(memberCount: 1024, limit: 8) == [1, 2, 7, 16, 45, 114, 295, 768])
        for count in 2..<600 {
            let distances = Ring.distances(memberCount: count, limit: 8)
            #expect(distances.first == 1)
            #expect(distances == Array(Set(distances)).sorted())
            #expect(distances.allSatisfy { $0 < count })
        }
    }

    @Test func `every fourth member of a large ring is a quarter of anybody's sources`() {
        for count in [200, 256, 500, 1000, 1024, 2048] {
            let distances = Ring.distances(memberCount: count, limit: 8)
            for remainder in 0..<4 { #expect(distances.count { $0 % 4 == remainder } <= 2) }
        }
    }

    @Test func `distances change only when the ring doubles`() {
        #expect(Ring.distances(memberCount: 40, limit: 8) == Ring.distances(memberCount: 60, limit: 8))
        let late = Ring.distances(memberCount: 250, limit: 8)
        for count in 130..<250 {
            #expect(Ring.distances(memberCount: count, limit: 8) == late.filter { $0 < count }, "no chord is moved")
        }
    }

    @Test func `everybody serves as many as it asks`() {
        let members = ring(Array(0..<40))
        var clientCounts = Array(repeating: 0, count: 40)
        for peer in 0..<40 { for source in members.sources(of: PeerIndex(peer)) { clientCounts[Int(source)] += 1 } }
        #expect(Set(clientCounts).count == 1)
    }

    @Test func `the readers of a lacking source share its own sources among them`() {
        let members = ring(Array(0..<16))
        let readers = (PeerIndex(0)..<16).filter { members.sources(of: $0).contains(7) }
        let standIns = readers.map { reader in
            let sources = members.sources(of: reader, standingInFor: [7])
            #expect(sources.dropLast() == members.sources(of: reader)[...])
            return sources[sources.count - 1]
        }
        #expect(standIns.sorted() == members.sources(of: 7).sorted())
    }

    @Test(arguments: [10, 12, 13, 17, 24, 32, 33, 64, 65, 256])
    func `who stands in for a source is another member that is none yet`(count: Int) {
        let members = ring(Array(0..<PeerIndex(count)))
        let regular = members.sources(of: 0)
        for lacking in regular {
            let sources = members.sources(of: 0, standingInFor: [lacking])
            #expect(sources.dropLast() == regular[...])
            #expect(sources.allSatisfy { $0 != 0 && $0 < count })
            #expect(Set(sources).count == sources.count)
        }
        #expect(members.sources(of: 0, standingInFor: Array(0..<PeerIndex(count))).count <= 2 * regular.count)
    }

    @Test func `a newcomer goes behind the neighbour its user named`() throws {
        var owner = OwnerPolicy(layout: layout(1))
        for number in 0..<3 { _ = owner.join(address: address(UInt32(number))) }
        let joined = owner.join(address: address(3), neighbour: address(0))
        let place = try #require(joined)
        #expect(place.position == 1)
        #expect(owner.ring.sources(of: place.peer).first == 0)
    }

    @Test func `a neighbour that comes later is put in front of who waits for it`() throws {
        var owner = OwnerPolicy(layout: layout(1))
        _ = owner.join(address: address(0))
        _ = owner.join(address: address(1), neighbour: address(9))
        _ = owner.join(address: address(2))
        let joined = owner.join(address: address(9))
        let place = try #require(joined)
        #expect(place.position == 1)
        #expect(owner.ring.sources(of: 1).first == place.peer)
    }

    @Test func `the classic circle of given neighbours comes out as given`() {
        var owner = OwnerPolicy(layout: layout(1))
        // Peer i names peer i + 1, the last names the first; they start in order.
        for number in 0..<5 {
            _ = owner.join(address: address(UInt32(number)), neighbour: address(UInt32((number + 1) % 5)))
        }
        for number in 0..<5 {
            #expect(owner.ring.sources(of: PeerIndex(number)).first == PeerIndex((number + 1) % 5))
        }
    }

    @Test func `naming itself or nobody that ever comes leaves a peer on the ring`() throws {
        var owner = OwnerPolicy(layout: layout(1))
        _ = owner.join(address: address(0), neighbour: address(0))
        _ = owner.join(address: address(1), neighbour: address(77))
        #expect(owner.ring.sources(of: 0) == [1])
        #expect(owner.ring.sources(of: 1) == [0])
    }

    @Test func `roster parts must follow each other`() throws {
        var members = Ring()
        let entries = ring([4, 5]).entries
        try members.apply(RosterMessage(start: 0, total: 3, entries: entries))
        #expect(members.count == 2)
        #expect(throws: WireError.self) {
            try members.apply(RosterMessage(start: 1, total: 3, entries: entries))
        }
        try members.apply(RosterMessage(start: 2, total: 3, entries: ring([6]).entries))
        #expect(members.position(of: 6) == 2)
    }

    @Test func `a roster names nobody twice`() throws {
        var members = Ring()
        let twice = RosterMessage(start: 0, total: 2, entries: ring([4, 4]).entries)
        #expect(throws: WireError.self) { try members.apply(twice) }
        try members.apply(RosterMessage(start: 0, total: 2, entries: ring([4]).entries))
        #expect(throws: WireError.self) {
            try members.apply(RosterMessage(start: 1, total: 2, entries: ring([4]).entries))
        }
    }
}
