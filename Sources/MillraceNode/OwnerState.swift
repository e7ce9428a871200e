import MillraceIO
import MillraceSwarm
import MillraceWire

/// One peer as its owner sees it, also after it has gone: the report names every one.
struct MemberRecord: Sendable {
    let peer: PeerIndex
    let address: SocketAddress
    let node: NodeToken
    /// Nil once the connection is gone.
    var link: Link?
    let joined: UInt64
    /// It is on the roster: it has said that it takes chunks, or that it has some.
    var takesPart = false
    var completed: UInt64?
    var left: UInt64?
    var bytesSent: UInt64 = 0
    /// Why it left, and what it held then.
    var leftBecause: String?
    var heldWhenLeft = 0
}

/// Everything the threads of an owner share, behind its one lock.
struct OwnerState: Sendable {
    var policy: OwnerPolicy
    var manifest: Manifest
    var members: [MemberRecord] = []
    /// Sent to those whose number somebody else has now.
    private var formerByteCount: UInt64 = 0
    /// Connections that have not joined yet.
    var strangers: [(identity: UInt64, link: Link)] = []
    var failure: NodeFailure?
    var started: UInt64 = 0
    var lastProgress: UInt64 = 0
    var firstChunkSent: UInt64?
    var isLeaving = false

    init(layout: ChunkLayout) {
        policy = OwnerPolicy(layout: layout)
        manifest = Manifest(layout: layout)
    }

    /// Distinct peers that have verified the file: one that came back counts once.
    var completedCount: Int {
        var nodes: [NodeToken] = []
        for member in members where member.completed != nil {
            if !nodes.contains(member.node) { nodes.append(member.node) }
        }
        return nodes.count
    }

    /// File bytes sent to all members, also those that are gone.
    var sentByteCount: UInt64 { members.reduce(formerByteCount) { $0 + $1.bytesSent } }

    /// Adds a member, in place of one of the same number that left before anybody heard of it.
    mutating func add(_ member: MemberRecord) {
        guard Int(member.peer) < members.count else { return members.append(member) }
        formerByteCount += members[Int(member.peer)].bytesSent
        members[Int(member.peer)] = member
    }

    var hasIncompleteMember: Bool {
        members.contains { $0.link != nil && $0.takesPart && $0.completed == nil }
    }

    /// A peer that holds all chunks says nothing while it puts its file together, which takes minutes where the file is
    /// large; its connection tells whether it is alive.
    var hasAssemblingMember: Bool {
        members.contains { member in
            member.link != nil && member.takesPart && member.completed == nil
                && policy.heldChunkCount(by: member.peer) == Int(manifest.layout.chunkCount)
        }
    }

    func link(of peer: PeerIndex) -> Link? {
        Int(peer) < members.count ? members[Int(peer)].link : nil
    }
}

/// What is left to do once the lock is free.
struct OwnerEffects {
    var wakes = WakeList()
    var wakesMain = false
    var notices: [String] = []

    mutating func wake(_ link: Link, if needed: Bool) { wakes.add(link, if: needed) }
    mutating func notice(_ text: String) { notices.append(text) }
}
