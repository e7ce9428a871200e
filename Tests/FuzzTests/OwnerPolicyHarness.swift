@testable import MillraceSwarm
@testable import MillraceWire

/// The owner's policy under any sequence of events: peers come, go, lie and fall silent. Its books must always agree.
enum OwnerPolicyHarness {
    private static let chunkCount = 70
    private static let peerLimit = 10
    private static let layout = try! ChunkLayout(fileByteCount: 70 * 1024, chunkByteCount: 1024)

    static func run(_ bytes: [UInt8]) -> Bool {
        var feed = Feed(bytes)
        var policy = OwnerPolicy(layout: layout)
        var now: UInt64 = 1
        var actions: [OwnerAction] = []
        var keepers: [PeerIndex?] = Array(repeating: nil, count: chunkCount)
        while !feed.isEmpty {
            actions.removeAll(keepingCapacity: true)
            apply(&feed, to: &policy, &now, &actions)
            noteKeepers(of: policy, at: now, &keepers)
            policy.pump(at: now, into: &actions)
            for action in actions { check(action, policy, keepers) }
            check(policy, keepers)
            _ = policy.nextDeadline(at: now)
        }
        return true
    }

    private static func apply(
        _ feed: inout Feed, to policy: inout OwnerPolicy, _ now: inout UInt64, _ actions: inout [OwnerAction]
    ) {
        let event = feed.byte() % 13
        let peer = PeerIndex(feed.number(below: peerLimit))
        switch event {
        case 0, 1:
            guard policy.members.count < peerLimit else { return }
            let neighbour = PeerAddress(host: .v4(UInt32(feed.number(below: peerLimit))), port: 9)
            let address = PeerAddress(host: .v4(peer), port: 9)
            guard feed.byte() % 4 == 0 else { return _ = policy.join(address: address, neighbour: neighbour) }
            _ = policy.enlist(from: .v4(UInt32(peer % 2)))
        case 2: policy.left(peer)
        case 3, 4: try? policy.credit(peer, count: feed.number(below: 9))
        case 5, 6:
            let first = feed.number(below: chunkCount)
            let end = min(chunkCount, first + 1 + feed.number(below: 9))
            policy.holds(peer, ChunkID(first)..<ChunkID(end), at: feed.byte() % 2 == 0 ? now : nil)
        case 7: hashNext(feed.number(below: 20), &policy)
        case 8: policy.complete(peer)
        case 9:
            let failed = feed.byte() % 2 == 0 ? nil : PeerIndex(feed.number(below: peerLimit))
            policy.rescue(peer, ChunkID(feed.number(below: chunkCount + 2)), from: failed, at: now, into: &actions)
        case 11: _ = policy.admit(peer, address: PeerAddress(host: .v4(peer), port: 9))
        case 10: policy.bad(peer, by: PeerIndex(feed.number(below: peerLimit)), into: &actions)
        default:
            policy.wrote(peer, at: now)
            now += UInt64(feed.byte()) << UInt64(feed.number(below: 40))
        }
    }

    private static func hashNext(_ count: Int, _ policy: inout OwnerPolicy) {
        policy.hashed(policy.hashedEnd..<min(UInt32(chunkCount), policy.hashedEnd + UInt32(count)))
    }

    /// Who was granted a chunk and has listed it for longer than anybody may take to pass it on, while nobody else
    /// lists it: it may be offered again. That counts for as long as the chunk is on offer.
    private static func noteKeepers(of policy: OwnerPolicy, at now: UInt64, _ keepers: inout [PeerIndex?]) {
        let least = policy.leastPatienceNanoseconds ?? .max
        for chunk in 0..<ChunkID(chunkCount) where !policy.unsent.contains(chunk) {
            let first = policy.grantee[Int(chunk)]
            let isOnly = policy.isMember(first) && policy.isOnlyAt(first, chunk)
            let listed = isOnly ? policy.members[Int(first)]!.listed.first { $0.chunk == chunk } : nil
            keepers[Int(chunk)] = listed.map { now >= $0.at.addingSaturating(least) } == true ? first : nil
        }
    }

    /// Deciding changes nothing about who holds what, so that what is true afterwards was true before.
    private static func check(_ action: OwnerAction, _ policy: OwnerPolicy, _ keepers: [PeerIndex?]) {
        switch action {
        case .grant(let peer, let chunk):
            hold(policy.isMember(peer) && chunk < policy.hashedEnd)
            hold(!policy.members[Int(peer)]!.have.contains(chunk), "granted to one that has it")
            hold(mayBeOffered(chunk, policy, keepers), "granted although somebody has it")
        case .send(let peer, let chunk):
            hold(policy.isMember(peer) && !policy.members[Int(peer)]!.have.contains(chunk))
        case .ask(let peer, _, let source): hold(peer != source && policy.isMember(peer))
        case .evict(let peer): hold(policy.isMember(peer))
        }
    }

    /// Nobody has it but perhaps one who fell silent after saying so, or who passes nothing on.
    private static func mayBeOffered(_ chunk: ChunkID, _ policy: OwnerPolicy, _ keepers: [PeerIndex?]) -> Bool {
        let holders = policy.members.indices.filter { index in
            policy.members[index].map { $0.isTrusted && $0.have.contains(chunk) } ?? false
        }
        guard let only = holders.first else { return true }
        let member = policy.members[only]!
        let isSilent = !member.lapsed.isEmpty && member.unheard.contains(chunk)
        return holders.count == 1 && (isSilent || keepers[Int(chunk)] == PeerIndex(only))
    }

    private static func check(_ policy: OwnerPolicy, _ keepers: [PeerIndex?]) {
        var holders = [UInt16](repeating: 0, count: chunkCount)
        var credits = [Int](repeating: 0, count: policy.members.count)
        for peer in policy.creditQueue { credits[Int(peer)] += 1 }
        for index in policy.members.indices { check(policy, PeerIndex(index), credits[index], &holders) }
        hold(policy.holderCount == holders, "holders")
        policy.unsent.forEachRun { run in
            hold(run.upperBound <= policy.hashedEnd, "chunks \(run) on offer")
            for chunk in run { hold(mayBeOffered(chunk, policy, keepers), "chunk \(chunk) on offer") }
        }
        hold(policy.ring.count == policy.members.count { $0?.takesPart ?? false })
    }

    private static func check(
        _ policy: OwnerPolicy, _ peer: PeerIndex, _ credits: Int, _ holders: inout [UInt16]
    ) {
        let isWriting = policy.writers.contains(peer)
        guard let member = policy.members[Int(peer)] else { return hold(credits == 0 && !isWriting) }
        hold(member.credits >= 0 && member.credits <= WireLimits.largestOutstandingCount)
        hold(member.isComplete || credits == member.credits - member.heldCredits, "credits of \(peer)")
        hold(member.heldCredits >= 0 && (member.heldCredits == 0 || member.have.isEmpty), "held credits of \(peer)")
        hold(member.unreplicated >= 0, "peer \(peer) has \(member.unreplicated) chunks of its own")
        hold(member.writing.isEmpty != isWriting, "writers")
        guard member.isTrusted else { return }
        member.have.forEachRun { run in
            for chunk in run { holders[Int(chunk)] += 1 }
        }
    }
}
