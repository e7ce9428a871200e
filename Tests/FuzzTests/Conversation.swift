import Glibc

@testable import MillraceIO
@testable import MillraceNode
@testable import MillraceStore
@testable import MillraceWire

/// What the harnesses for conversations share: a small file, messages made from bytes, and a look at what is answered.
enum Conversation {
    static let chunkCount = 40
    static let layout = try! ChunkLayout(fileByteCount: 40 * 1024, chunkByteCount: 1024)
    static let swarm = NodeToken(high: 1, low: 2)
    static let digest = Digest(hex: String(repeating: "ab", count: 32))!
    static let address = SocketAddress(host: .v4(0x7F00_0001), port: 9)

    /// A folder for the one node of a harness, and a file of the layout in it.
    static let folder: String = {
        let path = "\(TemporaryFolder.base)/millrace-fuzz-\(getpid())"
        try! TemporaryFolder.make(path)
        try! TemporaryFolder.writeRandomFile(path + "/data.bin", byteCount: chunkCount * 1024)
        atexit { TemporaryFolder.remove(Conversation.folder) }
        return path
    }()

    static func common(_ name: String) -> CommonOptions {
        var common = CommonOptions(folder: "\(folder)/\(name)")
        common.storeKind = .flat
        common.log.level = .quiet
        return common
    }

    static let manifest: Manifest = {
        var manifest = Manifest(layout: layout)
        try! manifest.append(first: 0, Array(repeating: digest, count: chunkCount))
        return manifest
    }()
    static let contentID = ContentID.compute(manifest)

    /// A message whose fields are mostly right: what is wholly wrong is the business of other harnesses.
    static func message(_ feed: inout Feed) -> Message? {
        guard let type = MessageType(rawValue: feed.byte() % 30) else { return nil }
        let (chunk, peer) = (ChunkID(feed.number(below: chunkCount + 1)), PeerIndex(feed.number(below: 6)))
        switch type {
        case .hello: return .hello(hello(&feed))
        case .join: return .join(join(&feed))
        case .welcome: return .welcome(WelcomeMessage(peer: peer, layout: layout, name: "data.bin"))
        case .digests:
            return .digests(first: chunk, Array(repeating: digest, count: 1 + feed.number(below: chunkCount + 1)))
        case .manifestEnd, .complete:
            let isRight = feed.byte() % 4 > 0
            return type == .complete
                ? .complete(contentID: isRight ? contentID : digest)
                : .manifestEnd(contentID: isRight ? contentID : digest)
        case .roster: return .roster(roster(&feed))
        case .rosterAdd:
            let total = UInt32(feed.number(below: 6))
            return .rosterAdd(position: UInt32(feed.number(below: 6)), total: total, entry(peer))
        case .rosterRemove: return .rosterRemove(peer: peer, total: UInt32(feed.number(below: 6)))
        case .list: return .list(list(&feed))
        case .have: return .have(list(&feed))
        case .credit: return .credit(count: UInt32(feed.byte()))
        case .request: return .request(first: chunk, count: 1 + UInt32(feed.number(below: chunkCount + 1)))
        case .listRequest: return .listRequest
        case .cancel: return .cancel(chunk)
        case .reject: return .reject(chunk, RejectReason.allCases[feed.number(below: 4)])
        case .rescue: return .rescue(chunk, from: feed.byte() % 2 == 0 ? nil : peer)
        case .ask: return .ask(chunk, peer: peer)
        case .bad: return .bad(chunk, from: peer)
        case .finished: return .finished
        case .introduce: return .introduce(peer: peer)
        case .proof: return .proof(chunk, Array(repeating: digest, count: 1 + feed.number(below: 7)))
        case .proofRequest: return .proofRequest(list(&feed))
        case .room: return .room(times: 1 + UInt8(feed.number(below: Int(WireLimits.mostRoomTimes))))
        // The connection answers these itself, or they carry chunks.
        case .goodbye, .ping, .pong, .chunk, .grant: return nil
        }
    }

    private static func hello(_ feed: inout Feed) -> HelloMessage {
        let role: NodeRole = feed.byte() % 2 == 0 ? .owner : .peer
        let swarm = [swarm, swarm, .unknown, NodeToken(high: 9, low: 9)][feed.number(below: 4)]
        return HelloMessage(role: role, swarm: swarm, node: NodeToken(high: 3, low: UInt64(feed.byte() % 4) + 1))
    }

    private static func join(_ feed: inout Feed) -> JoinMessage {
        JoinMessage(
            listenPort: UInt16(feed.byte()) + 1, ringOnly: feed.byte() % 2 == 0,
            advertised: PeerAddress(host: feed.byte() % 2 == 0 ? .none : .v4(feed.wide()), port: 9),
            neighbour: PeerAddress(host: feed.byte() % 2 == 0 ? .none : .v4(0x7F00_0001), port: UInt16(feed.byte())))
    }

    private static func entry(_ peer: PeerIndex) -> RosterEntry {
        RosterEntry(peer: peer, address: PeerAddress(host: .v4(0x7F00_0001), port: 9))
    }

    private static func roster(_ feed: inout Feed) -> RosterMessage {
        let entries = (0..<feed.number(below: 6)).map { _ in entry(PeerIndex(feed.number(below: 6))) }
        let start = feed.byte() % 4 == 0 ? UInt32(feed.byte() % 4) : 0
        let total = start + UInt32(entries.count + feed.number(below: 2))
        return RosterMessage(start: start, total: total, entries: entries)
    }

    /// Mostly a list that is one.
    private static func list(_ feed: inout Feed) -> [UInt8] {
        if feed.byte() % 8 == 0 { return feed.bytes(1 + feed.number(below: 8)) }
        var set = ChunkSet(chunkCount: UInt32(chunkCount))
        for _ in 0..<feed.number(below: 3) {
            let first = feed.number(below: chunkCount)
            set.insert(ChunkID(first)..<ChunkID(min(chunkCount, first + 1 + feed.number(below: chunkCount))))
        }
        return ChunkIDList.encode(set)
    }

    /// Takes what was posted and checks that another node could read it. Returns the chunks to send.
    static func take(_ link: Link, _ reader: inout FrameReader) -> [Link.ChunkOrder] {
        let mail = link.take()
        var consumed = 0
        let control = mail.control
        while consumed < control.count {
            guard case .message = try? reader.next(control.span.bytes, consumed: &consumed) else {
                fatalError("said something that is no frame")
            }
        }
        for order in mail.chunks { hold(order.chunk < chunkCount, "sends chunk \(order.chunk)") }
        return mail.chunks
    }
}
