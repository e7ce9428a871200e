/// Why a requested chunk does not come.
public enum RejectReason: UInt8, Sendable, Equatable, CaseIterable {
    case notHeld = 0
    case overloaded = 1
    case unreadable = 2
    case cancelled = 3
}

/// Every message of version 1 but those that carry chunk bytes, whose payload never passes through the codec.
public enum Message: Sendable, Equatable {
    case hello(HelloMessage)
    case join(JoinMessage)
    case welcome(WelcomeMessage)
    /// Of pages; `first` is the first chunk of the first.
    case digests(first: ChunkID, [Digest])
    case manifestEnd(contentID: Digest)
    case roster(RosterMessage)
    case rosterAdd(position: UInt32, total: UInt32, RosterEntry)
    case rosterRemove(peer: PeerIndex, total: UInt32)
    case listRequest
    /// Encoded as `ChunkIDList` says; decoded by the receiver, who knows the chunk count.
    case list([UInt8])
    case have([UInt8])
    case credit(count: UInt32)
    case request(first: ChunkID, count: UInt32)
    case cancel(ChunkID)
    case reject(ChunkID, RejectReason)
    case rescue(ChunkID, from: PeerIndex?)
    case ask(ChunkID, peer: PeerIndex)
    case bad(ChunkID, from: PeerIndex)
    case complete(contentID: Digest)
    case finished
    case goodbye(GoodbyeCode, reason: String)
    case ping(UInt64)
    case pong(UInt64)
    case introduce(peer: PeerIndex)
    /// The chunk's own digest, then its siblings on the way up to its page's.
    case proof(ChunkID, [Digest])
    /// Encoded as `ChunkIDList` says.
    case proofRequest([UInt8])
    /// How many times the usual an uploader may have on its way to this downloader.
    case room(times: UInt8)

    /// Stands for "no peer" where a peer index may be absent.
    static let noPeer = PeerIndex.max

    public var type: MessageType {
        switch self {
        case .hello: .hello
        case .join: .join
        case .welcome: .welcome
        case .digests: .digests
        case .manifestEnd: .manifestEnd
        case .roster: .roster
        case .rosterAdd: .rosterAdd
        case .rosterRemove: .rosterRemove
        case .listRequest: .listRequest
        case .list: .list
        case .have: .have
        case .credit: .credit
        case .request: .request
        case .cancel: .cancel
        case .reject: .reject
        case .rescue: .rescue
        case .ask: .ask
        case .bad: .bad
        case .complete: .complete
        case .finished: .finished
        case .goodbye: .goodbye
        case .ping: .ping
        case .pong: .pong
        case .introduce: .introduce
        case .proof: .proof
        case .proofRequest: .proofRequest
        case .room: .room
        }
    }
}
