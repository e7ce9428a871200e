import MillraceWire
import Testing

struct ValidFrame: Decodable {
    struct Fields: Decodable {
        var role: UInt8?, versions: [UInt16]?, features: String?, swarm: Hex?, node: Hex?
        var listenPort: UInt16?, flags: UInt16?, addresses: [Hex]?
        var chunkByteCount: UInt32?, fileByteCount: String?, text: String?
        var digests: [String]?, entries: [[String]]?
        var start: UInt32?, total: UInt32?, peer: PeerIndex?, count: UInt32?, times: UInt8?
        var payload: Hex?
        /// False where a sender of version 1 would write it otherwise.
        var again: Bool?
    }

    let name: String, type: String, number: UInt8, chunk: ChunkID, hex: Hex
    let fields: Fields

    /// What the frame says, put together from the vector's fields and not from its bytes.
    func expected() throws -> Seen {
        let type = try #require(MessageType(rawValue: number))
        try #require("\(type)" == self.type)
        if type.carriesChunk { return .chunk(type, chunk, try #require(fields.payload).bytes) }
        return .message(try message(type))
    }

    private func message(_ type: MessageType) throws -> Message {
        let digests = try (fields.digests ?? []).map { try #require(Digest(hex: $0)) }
        let entries = try (fields.entries ?? []).map {
            RosterEntry(peer: try #require(PeerIndex($0[0])), address: try Hex($0[1]).address)
        }
        let peer = fields.peer ?? 0
        let count = fields.count ?? 0
        return switch type {
        case .hello: .hello(try hello())
        case .join: .join(try join())
        case .welcome: .welcome(try welcome())
        case .digests: .digests(first: chunk, digests)
        case .manifestEnd: .manifestEnd(contentID: digests[0])
        case .complete: .complete(contentID: digests[0])
        case .roster: .roster(RosterMessage(start: fields.start!, total: fields.total!, entries: entries))
        case .rosterAdd: .rosterAdd(position: fields.start!, total: fields.total!, entries[0])
        case .rosterRemove: .rosterRemove(peer: peer, total: fields.total!)
        case .listRequest: .listRequest
        case .finished: .finished
        case .list: .list(try #require(fields.payload).bytes)
        case .have: .have(try #require(fields.payload).bytes)
        case .credit: .credit(count: count)
        case .request: .request(first: chunk, count: count)
        case .cancel: .cancel(chunk)
        case .reject: .reject(chunk, try #require(RejectReason(rawValue: UInt8(count))))
        case .rescue: .rescue(chunk, from: peer == .max ? nil : peer)
        case .ask: .ask(chunk, peer: peer)
        case .bad: .bad(chunk, from: peer)
        case .introduce: .introduce(peer: peer)
        case .proof: .proof(chunk, digests)
        case .proofRequest: .proofRequest(try #require(fields.payload).bytes)
        case .room: .room(times: try #require(fields.times))
        case .goodbye: .goodbye(try #require(GoodbyeCode(rawValue: UInt16(count))), reason: fields.text!)
        case .ping: .ping(try #require(UInt64(fields.features!)))
        case .pong: .pong(try #require(UInt64(fields.features!)))
        case .chunk, .grant: throw WireError.unexpectedMessage(type)
        }
    }

    private func hello() throws -> HelloMessage {
        HelloMessage(
            role: try #require(NodeRole(rawValue: fields.role!)), swarm: fields.swarm!.token, node: fields.node!.token,
            features: try #require(UInt64(fields.features!)), versionLow: fields.versions![0],
            versionHigh: fields.versions![1])
    }

    private func join() throws -> JoinMessage {
        let addresses = try #require(fields.addresses)
        return JoinMessage(
            listenPort: fields.listenPort!, ringOnly: fields.flags! == 1, advertised: addresses[0].address,
            neighbour: addresses[1].address)
    }

    private func welcome() throws -> WelcomeMessage {
        let layout = try ChunkLayout(
            fileByteCount: try #require(UInt64(fields.fileByteCount!)), chunkByteCount: fields.chunkByteCount!)
        return WelcomeMessage(peer: fields.peer!, layout: layout, name: fields.text!)
    }
}

struct FrameVectorTests {
    struct File: Decodable { let valid: [ValidFrame] }

    static let frames: [ValidFrame] = (try? Vectors.load("frames", as: File.self).valid) ?? []

    /// The frame as a stream would bring it: behind a hello unless it is one.
    private static func stream(_ frame: ValidFrame) -> (bytes: [UInt8], before: [Seen]) {
        frame.number == MessageType.hello.rawValue
            ? (frame.hex.bytes, []) : (plainHello.frame + frame.hex.bytes, [.message(plainHello)])
    }

    @Test func everyMessageHasAVector() {
        #expect(Set(Self.frames.map(\.number)) == Set(MessageType.allCases.map(\.rawValue)))
    }

    @Test(arguments: frames.indices) func aValidFrameDecodesToItsFields(index: Int) throws {
        let frame = Self.frames[index]
        let (bytes, before) = Self.stream(frame)
        let result = Stream.read([bytes])
        #expect(result.error == nil, "\(frame.name)")
        #expect(result.seen == before + [try frame.expected()], "\(frame.name)")
    }

    @Test(arguments: frames.indices) func aMessageEncodesToItsFrame(index: Int) throws {
        let frame = Self.frames[index]
        guard frame.fields.again ?? true else { return }
        switch try frame.expected() {
        case .message(let message): #expect(message.frame.hexText == frame.hex.bytes.hexText, "\(frame.name)")
        case .chunk(let type, let chunk, let payload):
            var bytes: [UInt8] = []
            FrameHeader(type: type, chunk: chunk, payloadByteCount: payload.count).append(to: &bytes)
            #expect(bytes + payload == frame.hex.bytes, "\(frame.name)")
        }
    }

    @Test(arguments: frames.indices) func aFrameIsTheSameInEverySplit(index: Int) throws {
        let frame = Self.frames[index]
        let (bytes, before) = Self.stream(frame)
        let whole = before + [try frame.expected()]
        #expect(Stream.read(bytes.singly).seen == whole, "\(frame.name)")
        for place in 0...bytes.count where Stream.read(bytes.split(at: place)).seen != whole {
            Issue.record("\(frame.name) split at \(place)")
        }
    }
}
