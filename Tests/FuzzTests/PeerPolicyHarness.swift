@testable import MillraceSwarm
@testable import MillraceWire

/// A peer's policy under any sequence of events, right or wrong. Its books must always agree, and what it asks for must
/// make sense.
enum PeerPolicyHarness {
    private static let chunkCount = 70
    private static let peerLimit = 12
    private static let layout = try! ChunkLayout(fileByteCount: 70 * 1024, chunkByteCount: 1024)

    static func run(_ bytes: [UInt8]) -> Bool {
        var feed = Feed(bytes)
        let seed = UInt64(feed.byte())
        var policy = PeerPolicy(layout: layout, seed: seed, ringOnly: feed.byte() % 8 == 0)
        begin(&feed, &policy)
        var now: UInt64 = 1
        var actions: [PeerAction] = []
        while !feed.isEmpty {
            actions.removeAll(keepingCapacity: true)
            apply(&feed, to: &policy, &now, &actions)
            for action in actions { check(action, policy) }
            check(policy)
            _ = policy.nextDeadline
        }
        return true
    }

    /// What an earlier run left, and the owner's welcome.
    private static func begin(_ feed: inout Feed, _ policy: inout PeerPolicy) {
        if feed.byte() % 4 == 0 { policy.restore(set(&feed)) }
        if feed.byte() % 4 == 0 { policy.expectFromDisk(set(&feed)) }
        if feed.byte() % 8 > 0 { policy.welcomed(as: 0) }
    }

    private static func set(_ feed: inout Feed) -> ChunkSet {
        var set = ChunkSet(chunkCount: UInt32(chunkCount))
        for _ in 0..<feed.number(below: 4) { set.insert(run(&feed)) }
        return set
    }

    private static func run(_ feed: inout Feed) -> Range<ChunkID> {
        let first = feed.number(below: chunkCount)
        return ChunkID(first)..<ChunkID(min(chunkCount, first + 1 + feed.number(below: 12)))
    }

    private static func origin(_ feed: inout Feed, _ peer: PeerIndex) -> ChunkOrigin {
        [.grant, .rescue, .disk, .peer(peer), .peer(peer), .peer(peer)][feed.number(below: 6)]
    }

    private static func apply(
        _ feed: inout Feed, to policy: inout PeerPolicy, _ now: inout UInt64, _ actions: inout [PeerAction]
    ) {
        let event = feed.byte() % 18
        let peer = PeerIndex(feed.number(below: peerLimit))
        let chunk = ChunkID(feed.number(below: chunkCount))
        switch event {
        case 0: policy.digestsKnown(below: UInt32(feed.number(below: chunkCount + 1)), at: now, into: &actions)
        case 1: policy.rosterChanged(ring(&feed), at: now, into: &actions)
        case 2, 3: policy.sourceConnected(peer, isGivenNeighbour: feed.byte() % 8 == 0, at: now, into: &actions)
        case 4: policy.sourceLost(peer, at: now, into: &actions)
        case 5: policy.clientConnected(peer)
        case 6: policy.clientLost(peer)
        case 7, 8, 9: policy.holds(peer, run(&feed), at: now, into: &actions)
        case 10, 11: policy.verified(chunk, from: origin(&feed, peer), at: now, into: &actions)
        case 12: policy.superfluous(chunk, from: origin(&feed, peer), at: now, into: &actions)
        case 13:
            let reason = RejectReason.allCases[feed.number(below: RejectReason.allCases.count)]
            policy.rejected(chunk, by: peer, reason: reason, at: now, into: &actions)
        case 14: policy.sentElsewhere(chunk, to: peer, at: now, into: &actions)
        case 15:
            now += UInt64(feed.byte()) << UInt64(feed.number(below: 36))
            policy.tick(at: now, into: &actions)
        case 16: rarely(&feed, &policy, now, chunk, peer, &actions)
        default: policy.startGrants(at: now, into: &actions)
        }
    }

    private static func rarely(
        _ feed: inout Feed, _ policy: inout PeerPolicy, _ now: UInt64, _ chunk: ChunkID, _ peer: PeerIndex,
        _ actions: inout [PeerAction]
    ) {
        switch feed.byte() % 4 {
        case 0: policy.ownerLost()
        case 1: policy.welcomed(as: peer)
        case 2: policy.missingOnDisk(chunk, at: now, into: &actions)
        default: policy.bad(chunk, from: origin(&feed, peer), at: now, into: &actions)
        }
    }

    private static func ring(_ feed: inout Feed) -> Ring {
        var entries: [RosterEntry] = []
        for _ in 0..<feed.number(below: peerLimit + 1) {
            let peer = PeerIndex(feed.number(below: peerLimit))
            guard !entries.contains(where: { $0.peer == peer }) else { continue }
            entries.append(RosterEntry(peer: peer, address: PeerAddress(host: .v4(peer), port: 9)))
        }
        return Ring(entries)
    }

    private static func check(_ action: PeerAction, _ policy: PeerPolicy) {
        switch action {
        case .request(let peer, let chunk):
            hold(!policy.have.contains(chunk) && Int(chunk) < chunkCount, "asks for what it has")
            hold(!policy.banned.contains(peer), "asks a liar")
        case .cancel(_, let chunk), .rescue(let chunk, _), .accuse(_, let chunk): hold(Int(chunk) < chunkCount)
        case .credit(let count): hold(count > 0 && count <= WireLimits.largestOutstandingCount)
        case .connect(let peer): hold(peer != policy.selfIndex && !policy.banned.contains(peer))
        case .disconnect, .noteSilence, .noteWeakness, .noteTrial: break
        }
    }

    private static func check(_ policy: PeerPolicy) {
        var slots = 0
        var asked = Array(repeating: 0, count: chunkCount)
        let wantedCounts = wantedCounts(policy)
        for index in policy.neighbours.indices {
            let neighbour = policy.neighbours[index]
            hold(neighbour.isSource || neighbour.outstanding.isEmpty, "asked one that is no source")
            for request in neighbour.outstanding {
                asked[Int(request.chunk)] += 1
                if request.keepsSlot { slots += 1 }
            }
            let wantedCount = neighbour.bit == 0 ? 0 : wantedCounts[neighbour.bit.trailingZeroBitCount]
            hold(policy.neighbours.wantedCount(index) == wantedCount, "wanted from \(neighbour.peer)")
        }
        hold(policy.outstandingCount == slots, "\(policy.outstandingCount) requests, \(slots) counted")
        hold(asked.allSatisfy { $0 <= SwarmLimits.unansweredLimit }, "one chunk asked from too many")
        hold((0...WireLimits.largestOutstandingCount).contains(policy.creditsOutstanding))
    }

    /// By bit number of a neighbour: chunks that it holds and that are neither here nor asked for. Reads whole words of
    /// the sets: each input comes here after each of its events.
    private static func wantedCounts(_ policy: PeerPolicy) -> [Int] {
        let (have, pending, holders) = (policy.have.words, policy.pending.words, policy.neighbours.holders)
        let lowestMissing = policy.lowestMissing
        var counts = Array(repeating: 0, count: 64)
        for word in have.indices {
            hold(have[word] & pending[word] == 0, "asked for what is here")
            let end = min(chunkCount, word * 64 + 64)
            for chunk in (word * 64)..<end {
                let bit: UInt64 = 1 << UInt64(chunk & 63)
                hold(have[word] & bit != 0 || lowestMissing <= ChunkID(chunk), "passed over \(chunk)")
                guard (have[word] | pending[word]) & bit == 0 else { continue }
                var rest = holders[chunk]
                while rest != 0 {
                    counts[rest.trailingZeroBitCount] += 1
                    rest &= rest - 1
                }
            }
        }
        return counts
    }
}
