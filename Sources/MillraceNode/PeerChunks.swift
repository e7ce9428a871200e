import MillraceIO
import MillraceStore
import MillraceSwarm
import MillraceWire

/// How chunks come into a peer, whoever sends them.
extension PeerNode {
    /// Decides what a chunk that is about to arrive is for, before a byte of it is read.
    func reception(of header: FrameHeader, from origin: ChunkOrigin) throws(ConnectionEnd) -> ChunkReception {
        let answer: Result<ChunkReception?, WireError> = state.withLock { state in
            guard let content = state.content, let policy = state.policy else {
                return .failure(.unexpectedMessage(header.type))
            }
            let layout = content.layout
            guard layout.contains(header.chunk) else {
                return .failure(.chunkOutOfRange(header.chunk, chunkCount: layout.chunkCount))
            }
            let expected = layout.byteCount(of: header.chunk)
            guard header.payloadByteCount == Int(expected) else {
                return .failure(
                    .chunkLengthWrong(header.chunk, byteCount: UInt32(header.payloadByteCount), expected: expected))
            }
            guard policy.isDue(header.chunk, from: origin) else { return .failure(.unexpectedMessage(header.type)) }
            guard !policy.have.contains(header.chunk) else { return .success(.discard) }
            return .success(state.manifest?.digest(of: header.chunk).map { .keep($0, content.pool) })
        }
        switch answer {
        case .success(let reception?): return reception
        case .failure(let fault): throw .peerFault(fault)
        case .success(nil):
            refuse(header.chunk, from: origin, now: MonotonicClock.nowNanoseconds)
            throw .ended(.badChunk, "chunk \(header.chunk) came without its proof")
        }
    }

    /// Ends the connection of whoever answers what was not asked.
    func checkDue(_ chunk: ChunkID, _ type: MessageType, from origin: ChunkOrigin) throws(ConnectionEnd) {
        let fault: WireError? = state.withLock { state in
            guard let policy = state.policy else { return .unexpectedMessage(type) }
            let count = policy.layout.chunkCount
            guard policy.layout.contains(chunk) else { return .chunkOutOfRange(chunk, chunkCount: count) }
            return policy.isDue(chunk, from: origin) ? nil : .unexpectedMessage(type)
        }
        if let fault { throw .peerFault(fault) }
    }

    /// Takes the proof of a chunk; one that is wrong is as bad as the chunk that would follow it.
    func learn(
        _ proof: [Digest], of chunk: ChunkID, from origin: ChunkOrigin, now: UInt64
    ) throws(ConnectionEnd) {
        var hasher = SHA256Hasher()
        let outcome: Result<Bool, WireError> = state.withLock { state in
            do throws(WireError) {
                return .success(try state.manifest?.learn(proof, of: chunk) { hasher.join($0, $1) } ?? false)
            } catch {
                return .failure(error)
            }
        }
        switch outcome {
        case .success(true): return
        case .failure(let fault): throw .peerFault(fault)
        case .success(false):
            refuse(chunk, from: origin, now: now)
            throw .ended(.badChunk, "the proof of chunk \(chunk) does not lead to the digest of its page")
        }
    }

    /// Stores a chunk whose digest is right; accuses the sender of one whose is not.
    func take(
        _ header: FrameHeader, _ bytes: UnsafeRawBufferPointer, isGenuine: Bool, from origin: ChunkOrigin,
        began: UInt64, now: UInt64
    ) throws(ConnectionEnd) {
        guard isGenuine else {
            refuse(header.chunk, from: origin, now: now)
            log.chunk(.refused, header.chunk, byteCount: UInt32(bytes.count), Party(origin))
            throw .ended(.badChunk, "chunk \(header.chunk) does not match its digest")
        }
        do throws(NodeFailure) {
            try store(header, bytes, from: origin, began: began, now: now)
        } catch {
            throw .failed(error)
        }
    }

    /// Stores a chunk that is verified, then books it.
    func store(
        _ header: FrameHeader, _ bytes: UnsafeRawBufferPointer, from origin: ChunkOrigin, began: UInt64, now: UInt64
    ) throws(NodeFailure) {
        guard let content = startStoring(header.chunk) else { return passOver(header, from: origin, now: now) }
        do throws(StoreError) {
            try write(header.chunk, bytes, to: content.folder.store, until: now + NodeLimits.silenceNanoseconds)
        } catch {
            let failure = NodeFailure(error)
            fail(failure)
            throw failure
        }
        let isNew = update { state, effects in
            state.storing.removeAll { $0 == header.chunk }
            return keep(header.chunk, from: origin, byteCount: UInt32(bytes.count), now, &state, &effects)
        }
        log.chunk(
            isNew ? .received : .discarded, header.chunk, byteCount: UInt32(bytes.count), Party(origin),
            tookNanoseconds: now - min(now, began))
    }

    /// The folder for a chunk that nobody else has stored or is storing; nil for one that came twice at once.
    private func startStoring(_ chunk: ChunkID) -> PeerContent? {
        state.withLock { state in
            guard let content = state.content, state.policy?.have.contains(chunk) == false,
                !state.storing.contains(chunk)
            else { return nil }
            state.storing.append(chunk)
            return content
        }
    }

    /// Writes a chunk. Where no descriptor is free for its file, one will be once another connection has sent its own.
    private func write(
        _ chunk: ChunkID, _ bytes: UnsafeRawBufferPointer, to store: any ChunkStore, until deadline: UInt64
    ) throws(StoreError) {
        while true {
            do throws(StoreError) {
                return try store.write(chunk, bytes)
            } catch {
                let now = MonotonicClock.nowNanoseconds
                guard case .system(let fault) = error, fault.isDescriptorShortage, now < deadline, !isLeaving else {
                    throw error
                }
                _ = try? WaitPoint.wait(
                    socket: -1, forReading: false, forWriting: false, wake: nil,
                    untilNanoseconds: now + NodeLimits.scarcityNanoseconds)
            }
        }
    }

    /// Books a chunk that is verified and stored, and tells whoever waits for news. False where it was here already.
    @discardableResult
    func keep(
        _ chunk: ChunkID, from origin: ChunkOrigin, byteCount: UInt32, _ now: UInt64, _ state: inout PeerState,
        _ effects: inout PeerEffects
    ) -> Bool {
        state.lastProgress = now
        if state.statistics.firstChunk == nil { state.statistics.firstChunk = now }
        let isNew = state.policy.map { !$0.have.contains(chunk) } ?? false
        if isNew {
            state.statistics.took(UInt64(byteCount), from: origin, at: now)
        } else {
            state.statistics.bytesTwice += UInt64(byteCount)
        }
        decide(&state, &effects) { $0.verified(chunk, from: origin, at: now, into: &$1) }
        guard isNew, let policy = state.policy else { return false }
        state.journal.append(chunk)
        journalCount.store(state.journal.count, ordering: .releasing)
        announceNanoseconds.store(policy.announceNanoseconds, ordering: .relaxed)
        ownerAnnounceNanoseconds.store(policy.ownerAnnounceNanoseconds, ordering: .relaxed)
        let isFromPeer = if case .peer = origin { true } else { false }
        let roomTimes = rates.share.received(
            Int(byteCount), isFromPeer: isFromPeer, bytesPerSecond: policy.receivedBytesPerSecond,
            fastestNeighbourBytesPerSecond: policy.fastestNeighbourBytesPerSecond, now: now)
        if let roomTimes { askForRoom(roomTimes, state, &effects) }
        for client in state.clients {
            guard let peer = client.peer, !policy.isSource(peer) || !policy.isKnown(chunk, at: peer) else { continue }
            effects.wake(client.link, if: client.link.takesNews())
        }
        if let owner = state.ownerLink { effects.wake(owner, if: owner.takesNews()) }
        if state.journal.count == 1 || policy.isComplete { effects.wakesMain = true }
        return true
    }

    /// A chunk that is of no use: it is here already, or just being stored.
    func passOver(_ header: FrameHeader, from origin: ChunkOrigin, now: UInt64) {
        update { state, effects in
            state.statistics.bytesTwice += UInt64(header.payloadByteCount)
            decide(&state, &effects) { $0.superfluous(header.chunk, from: origin, at: now, into: &$1) }
        }
        log.chunk(.discarded, header.chunk, byteCount: UInt32(header.payloadByteCount), Party(origin))
    }

    private func refuse(_ chunk: ChunkID, from origin: ChunkOrigin, now: UInt64) {
        update { state, effects in
            if case .peer(let peer) = origin {
                state.statistics.badChunks.append(peer)
                effects.notice("peer \(peer) sent a bad chunk \(chunk); it is no source any more")
            } else {
                effects.notice("the owner sent a bad chunk \(chunk)")
            }
            decide(&state, &effects) { $0.bad(chunk, from: origin, at: now, into: &$1) }
        }
    }
}

extension Party {
    init(_ origin: ChunkOrigin) {
        switch origin {
        case .grant, .rescue: self = .owner
        case .peer(let peer): self = .peer(peer)
        case .disk: self = .unknown
        }
    }
}
