import MillraceIO
import MillraceStore
import MillraceSwarm
import MillraceWire

/// The connection by which a peer talks to its owner: joins, gets the manifest and the roster, leaves credits, takes
/// grants, reports what it holds.
final class OwnerLinkHandler: ConnectionHandler {
    private enum Stage {
        case greeting, joining, running
    }

    private let node: PeerNode
    private let link: Link
    private let neighbour: PeerAddress
    private let roundTripNanoseconds: UInt64?
    private var stage = Stage.greeting
    private var feed = NewsFeed()
    private var digests: DigestIntake
    /// When the chunk that arrives had begun.
    private var began: UInt64 = 0
    private var ring = Ring()
    private var isRosterComplete = false
    /// How many members the roster that is coming has.
    private var rosterTotal: UInt32 = 0
    private(set) var chunkCount: UInt32 = 0
    private var writer: WriteBehind?

    init(node: PeerNode, link: Link, neighbour: PeerAddress, roundTripNanoseconds: UInt64? = nil) {
        self.node = node
        self.link = link
        self.neighbour = neighbour
        self.roundTripNanoseconds = roundTripNanoseconds
        digests = DigestIntake(node)
    }

    var isIntroduced: Bool { stage == .running }

    func began(now: UInt64) {
        let swarm = node.state.withLock { $0.swarm }
        let join = JoinMessage(
            listenPort: node.listenPort, ringOnly: node.options.ringOnly, advertised: node.advertised,
            neighbour: neighbour)
        _ = link.post { mail in
            Message.hello(HelloMessage(role: .peer, swarm: swarm, node: node.token)).append(to: &mail.control)
            Message.join(join).append(to: &mail.control)
        }
    }

    func received(_ message: Message, now: UInt64) throws(ConnectionEnd) {
        switch (stage, message) {
        case (.greeting, .hello(let hello)): try greet(hello)
        case (.joining, .welcome(let welcome)): try join(welcome, now: now)
        case (.running, .digests(let first, let more)): try digests.take(first: first, more, now: now)
        case (.running, .manifestEnd(let contentID)): try digests.end(contentID)
        case (.running, .proof(let chunk, let proof)): try digests.prove(chunk, proof, now: now)
        case (.running, .roster(let part)): try roster(part, now: now)
        case (.running, .rosterAdd(let position, let total, let entry)):
            try add(entry, at: Int(position), total: Int(total), now: now)
        case (.running, .rosterRemove(let peer, let total)): try remove(peer, total: Int(total), now: now)
        case (.running, .ask(let chunk, let peer)):
            settle()
            try node.checkDue(chunk, .ask, from: .rescue)
            node.update { state, effects in
                node.decide(&state, &effects) { $0.sentElsewhere(chunk, to: peer, at: now, into: &$1) }
            }
        // The owner can't read the chunk: whoever else has it is asked once the request is late.
        case (.running, .reject(let chunk, _)):
            settle()
            try node.checkDue(chunk, .reject, from: .rescue)
        case (.running, .finished):
            node.update { state, effects in
                state.isReleased = true
                effects.wakesMain = true
            }
        default: throw .peerFault(.unexpectedMessage(message.type))
        }
    }

    func willReceive(_ header: FrameHeader) throws(ConnectionEnd) -> ChunkReception {
        guard stage == .running else { throw .peerFault(.unexpectedMessage(header.type)) }
        began = MonotonicClock.nowNanoseconds
        return try node.reception(of: header, from: OwnerLinkHandler.origin(of: header))
    }

    func received(
        _ header: FrameHeader, _ bytes: UnsafeRawBufferPointer, isGenuine: Bool, now: UInt64
    ) throws(ConnectionEnd) {
        let origin = OwnerLinkHandler.origin(of: header)
        try node.take(header, bytes, isGenuine: isGenuine, from: origin, began: began, now: now)
    }

    /// Only while no other peer sends anything: the processors are busy otherwise.
    func writesBehind(_ header: FrameHeader) -> Bool {
        guard header.payloadByteCount >= NodeLimits.writeBehindByteCount else { return false }
        guard node.state.withLock({ $0.sources.isEmpty }) else { return false }
        if writer == nil { startWriting() }
        return writer?.hasRoom ?? false
    }

    func takesOver(_ header: FrameHeader, _ buffer: consuming PooledBuffer, now: UInt64) {
        writer?.add(WriteBehind.Job(header: header, buffer: buffer, began: began, arrived: now))
    }

    private func startWriting() {
        guard let pool = node.state.withLock({ $0.content?.pool }) else { return }
        let node = node
        // Without it chunks are stored by this thread.
        writer = try? WriteBehind.start(pool) { job in
            let bytes = UnsafeRawBufferPointer(rebasing: job.buffer.bytes[..<job.header.payloadByteCount])
            let origin = OwnerLinkHandler.origin(of: job.header)
            // Why it can't is told by the node.
            try? node.store(job.header, bytes, from: origin, began: job.began, now: job.arrived)
        }
    }

    /// What is said of a chunk that has come must find it booked.
    private func settle() { writer?.drain() }

    /// Stores what was taken over; the connection has ended.
    func stopWriting() {
        writer?.stop()
        writer = nil
    }

    func discarded(_ header: FrameHeader, now: UInt64) {
        node.passOver(header, from: OwnerLinkHandler.origin(of: header), now: now)
    }

    func payload(of chunk: ChunkID) -> FilePayload? { nil }
    func sent(_ order: Link.ChunkOrder, now: UInt64) {}
    func unreadable(_ chunk: ChunkID, _ fault: SendFault) {}

    func postNews(now: UInt64) -> UInt64? {
        guard stage == .running else { return .max }
        return feed.post(from: node, to: link, .owner, now: now)
    }

    private static func origin(of header: FrameHeader) -> ChunkOrigin { header.type == .grant ? .grant : .rescue }

    private func greet(_ hello: HelloMessage) throws(ConnectionEnd) {
        guard hello.role == .owner else { throw .ended(.wrongSwarm, "this is a peer, not an owner") }
        guard hello.swarm != .unknown else { throw .peerFault(.badField(.hello, field: "swarm token")) }
        node.update { state, effects in node.enter(hello.swarm, &state, &effects) }
        stage = .joining
    }

    private func join(_ welcome: WelcomeMessage, now: UInt64) throws(ConnectionEnd) {
        do throws(NodeFailure) {
            try node.open(welcome)
        } catch {
            node.fail(error)
            throw .failed(error)
        }
        node.log.setNumber(welcome.peer)
        chunkCount = welcome.layout.chunkCount
        let (count, verifies, unproven) = node.update { state, effects in
            node.decide(&state, &effects) { policy, _ in
                policy.welcomed(as: welcome.peer, roundTripNanoseconds: roundTripNanoseconds)
            }
            let have = state.policy?.have ?? ChunkSet(chunkCount: 0)
            feed.listed(upTo: state.journal.count, now: now)
            let content = state.content
            let verifies = state.earlier == nil && content?.folder.candidates.isEmpty == false
            if verifies, let content { state.earlier = EarlierChunks(content.folder.candidates, content.layout) }
            _ = link.post(.list(ChunkIDList.encode(have)))
            state.ownerLink = link
            state.loneSince = nil
            let unproven = state.earlier?.isDone ?? true ? nil : state.earlier?.left
            return (have.count, verifies, unproven)
        }
        node.log.list(.sent, count: count, isAddition: false, .owner)
        if let unproven, welcome.layout.pageHeight > 0 {
            _ = link.post(.proofRequest(ChunkIDList.encode(unproven)))
        }
        stage = .running
        node.resume(verifies: verifies, now: now)
    }

    private func roster(_ part: RosterMessage, now: UInt64) throws(ConnectionEnd) {
        do throws(WireError) {
            if part.start == 0 { (isRosterComplete, rosterTotal) = (false, part.total) }
            guard !isRosterComplete, part.total == rosterTotal else { throw .badField(.roster, field: "total") }
            try ring.apply(part)
        } catch {
            throw .peerFault(error)
        }
        isRosterComplete = ring.count == Int(part.total)
        publish(now: now)
    }

    private func add(_ entry: RosterEntry, at position: Int, total: Int, now: UInt64) throws(ConnectionEnd) {
        guard isRosterComplete, position <= ring.count, ring.position(of: entry.peer) == nil, total == ring.count + 1
        else { throw .peerFault(.badField(.rosterAdd, field: "position")) }
        ring.insert(entry, at: position)
        publish(now: now)
    }

    private func remove(_ peer: PeerIndex, total: Int, now: UInt64) throws(ConnectionEnd) {
        guard isRosterComplete, ring.remove(peer), total == ring.count else {
            throw .peerFault(.badField(.rosterRemove, field: "peer index"))
        }
        publish(now: now)
    }

    private func publish(now: UInt64) {
        guard isRosterComplete else { return }
        node.update { state, effects in
            node.decide(&state, &effects) { $0.rosterChanged(ring, at: now, into: &$1) }
        }
    }
}
