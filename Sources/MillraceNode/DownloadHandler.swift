import MillraceIO
import MillraceSwarm
import MillraceWire

/// The connection by which this peer fetches from another: speaks first, asks for the list, requests chunks.
final class DownloadHandler: ConnectionHandler {
    private enum Stage {
        case greeting, introducing, running
    }

    private let node: PeerNode
    private let record: SourceRecord
    private let roundTripNanoseconds: UInt64?
    private var stage = Stage.greeting
    private var hasSaidNumber = false
    private var hasHeardList = false
    /// When the chunk that arrives had begun.
    private var began: UInt64 = 0
    private var feed = NewsFeed(isUpward: true)

    init(node: PeerNode, record: SourceRecord, roundTripNanoseconds: UInt64? = nil) {
        self.node = node
        self.record = record
        self.roundTripNanoseconds = roundTripNanoseconds
    }

    private var peer: PeerIndex { record.peer }
    private var link: Link { record.link }
    var isIntroduced: Bool { stage == .running }
    private(set) var chunkCount: UInt32 = 0

    /// Says all it has to say before it is answered: each round trip waits behind the chunks of a busy uplink.
    func began(now: UInt64) {
        let (hello, number, list, count) = node.state.withLock { state in
            chunkCount = state.content?.layout.chunkCount ?? 0
            feed.listed(upTo: state.journal.count, now: now)
            let have = state.policy?.have ?? ChunkSet(chunkCount: 0)
            let hello = HelloMessage(role: .peer, swarm: state.swarm, node: node.token)
            return (hello, state.policy?.selfIndex, ChunkIDList.encode(have), have.count)
        }
        _ = link.post(.hello(hello))
        guard let number else { return }
        hasSaidNumber = true
        _ = link.post { mail in
            for message: Message in [.introduce(peer: number), .listRequest, .list(list)] {
                message.append(to: &mail.control)
            }
        }
        node.log.list(.sent, count: count, isAddition: false, .peer(peer))
    }

    func received(_ message: Message, now: UInt64) throws(ConnectionEnd) {
        switch (stage, message) {
        case (.greeting, .hello(let hello)): try greet(hello)
        case (.introducing, .introduce(let introduced)): try introduce(introduced, now: now)
        case (.running, .list(let encoded)) where !hasHeardList: try holds(encoded, type: .list, now: now)
        case (.running, .have(let encoded)) where hasHeardList: try holds(encoded, type: .have, now: now)
        case (.running, .proof(let chunk, let digests)): try node.learn(digests, of: chunk, from: .peer(peer), now: now)
        case (.running, .reject(let chunk, let reason)):
            try node.checkDue(chunk, .reject, from: .peer(peer))
            node.update { state, effects in
                node.decide(&state, &effects) { $0.rejected(chunk, by: peer, reason: reason, at: now, into: &$1) }
            }
        default: throw .peerFault(.unexpectedMessage(message.type))
        }
    }

    func willReceive(_ header: FrameHeader) throws(ConnectionEnd) -> ChunkReception {
        guard stage == .running, header.type == .chunk else { throw .peerFault(.unexpectedMessage(header.type)) }
        began = MonotonicClock.nowNanoseconds
        return try node.reception(of: header, from: .peer(peer))
    }

    func received(
        _ header: FrameHeader, _ bytes: UnsafeRawBufferPointer, isGenuine: Bool, now: UInt64
    ) throws(ConnectionEnd) {
        try node.take(header, bytes, isGenuine: isGenuine, from: .peer(peer), began: began, now: now)
    }

    func discarded(_ header: FrameHeader, now: UInt64) {
        node.passOver(header, from: .peer(peer), now: now)
    }

    func payload(of chunk: ChunkID) -> FilePayload? { nil }
    func sent(_ order: Link.ChunkOrder, now: UInt64) {}
    func unreadable(_ chunk: ChunkID, _ fault: SendFault) {}

    /// Additions go up only to a source that does not hear them as a client already.
    func postNews(now: UInt64) -> UInt64? {
        guard stage == .running else { return .max }
        return feed.post(from: node, to: link, .peer(peer), now: now)
    }

    private func greet(_ hello: HelloMessage) throws(ConnectionEnd) {
        if hello.node == node.token { throw .ended(.selfConnection, "this is the node itself") }
        let swarm = node.state.withLock { $0.swarm }
        guard hello.role == .peer, hello.swarm == swarm, hasSaidNumber else {
            throw .ended(.wrongSwarm, "another swarm")
        }
        stage = .introducing
    }

    private func introduce(_ introduced: PeerIndex, now: UInt64) throws(ConnectionEnd) {
        guard introduced == peer else { throw .ended(.wrongSwarm, "another peer than the roster says") }
        stage = .running
        node.update { state, effects in
            node.decide(&state, &effects) {
                $0.sourceConnected(peer, roundTripNanoseconds: roundTripNanoseconds, at: now, into: &$1)
            }
            state.loneSince = nil
            node.askForRoom(at: link, state)
        }
    }

    private func holds(_ encoded: [UInt8], type: MessageType, now: UInt64) throws(ConnectionEnd) {
        hasHeardList = true
        _ = try node.holds(encoded, type: type, peer: peer, now: now)
    }
}

extension PeerNode {
    /// Reads a neighbour's list or additions into the policy; returns the chunks it names.
    ///
    /// - Parameter asClient: it came from one that fetches here. What a source holds is heard from the source alone.
    func holds(
        _ encoded: [UInt8], type: MessageType, peer: PeerIndex, asClient: Bool = false, now: UInt64
    ) throws(ConnectionEnd) -> [Range<ChunkID>] {
        let outcome: Result<[Range<ChunkID>], WireError> = update { state, effects in
            guard let layout = state.content?.layout else { return .failure(.unexpectedMessage(type)) }
            var runs: [Range<ChunkID>] = []
            do throws(WireError) {
                try ChunkIDList.decode(encoded.span.bytes, of: type, chunkCount: layout.chunkCount) { runs.append($0) }
            } catch {
                return .failure(error)
            }
            guard !asClient || state.policy?.isSource(peer) == false else { return .success(runs) }
            decide(&state, &effects) { policy, actions in
                for run in runs { policy.holds(peer, run, at: now, into: &actions) }
            }
            return .success(runs)
        }
        switch outcome {
        case .success(let runs):
            log.list(.received, count: runs.reduce(0) { $0 + $1.count }, isAddition: type == .have, .peer(peer))
            return runs
        case .failure(let fault): throw .peerFault(fault)
        }
    }
}
