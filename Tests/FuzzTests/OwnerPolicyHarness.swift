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
        while !feed.isEmpty {
            var actions: [OwnerAction] = []
            apply(&feed, to: &policy, &now, &actions)
            let before = policy
            policy.pump(at: now, into: &actions)
            for action in actions { check(action, before, policy) }
            check(policy)
            _ = policy.nextDeadline(at: now)
        }
        return true
    }

    private static func apply(
        _ feed: inout Feed, to policy: inout OwnerPolicy, _ now: inout UInt64, _ actions: inout [OwnerAction]
    ) {
        let event = feed.byte() % 12
        let peer = PeerIndex(feed.number(below: peerLimit))
        switch event {
        case 0, 1:
            guard policy.members.count < peerLimit else { return }
            let neighbour = PeerAddress(host: .v4(UInt32(feed.number(below: peerLimit))), port: 9)
            _ = policy.join(address: PeerAddress(host: .v4(peer), port: 9), neighbour: neighbour)
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
        case 10: policy.bad(peer, by: PeerIndex(feed.number(below: peerLimit)), into: &actions)
        default:
            policy.wrote(peer, at: now)
            now += UInt64(feed.byte()) << UInt64(feed.number(below: 40))
        }
    }

    private static func hashNext(_ count: Int, _ policy: inout OwnerPolicy) {
        policy.hashed(policy.hashedEnd..<min(UInt32(chunkCount), policy.hashedEnd + UInt32(count)))
    }

    private static func check(_ action: OwnerAction, _ before: OwnerPolicy, _ after: OwnerPolicy) {
        switch action {
        case .grant(let peer, let chunk):
            hold(after.isMember(peer) && chunk < after.hashedEnd)
            hold(!before.members[Int(peer)]!.have.contains(chunk), "granted to one that has it")
            hold(before.holderCount[Int(chunk)] == 0, "granted although somebody has it")
        case .send(let peer, let chunk):
            hold(after.isMember(peer) && !before.members[Int(peer)]!.have.contains(chunk))
        case .ask(let peer, _, let source): hold(peer != source && after.isMember(peer))
        case .evict(let peer): hold(after.isMember(peer))
        }
    }

    private static func check(_ policy: OwnerPolicy) {
        for chunk in 0..<chunkCount {
            let holders = policy.members.count { ($0?.isTrusted ?? false) && $0!.have.contains(ChunkID(chunk)) }
            hold(Int(policy.holderCount[chunk]) == holders, "holders of \(chunk)")
            guard policy.unsent.contains(ChunkID(chunk)) else { continue }
            hold(holders == 0 && chunk < Int(policy.hashedEnd), "chunk \(chunk) on offer")
        }
        for (index, member) in policy.members.enumerated() {
            let credits = policy.creditQueue.count { $0 == PeerIndex(index) }
            guard let member else {
                hold(credits == 0 && !policy.writers.contains(PeerIndex(index)))
                continue
            }
            hold(member.credits >= 0 && member.credits <= WireLimits.largestOutstandingCount)
            hold(member.isComplete || credits == member.credits, "credits of \(index)")
            hold(member.unreplicated >= 0, "peer \(index) has \(member.unreplicated) chunks of its own")
            hold(member.writing.isEmpty != policy.writers.contains(PeerIndex(index)), "writers")
        }
        hold(policy.ring.count == policy.members.count { $0 != nil })
    }
}
