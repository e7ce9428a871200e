import MillraceIO
import MillraceStore
import MillraceSwarm
import MillraceWire

extension PeerNode: ObservableNode {
    public var sendsBy: TransportKind { transportChoice.kind }

    public func tell(_ text: String) { log.notice(text) }

    public func noteServed() {
        state.withLock { $0.lastProgress = MonotonicClock.nowNanoseconds }
    }

    /// What the lock is held for: values, copied only when the node changes them while somebody looks.
    private struct Glimpse {
        let phase: PeerPhase
        let failure: NodeFailure?
        let policy: PeerPolicy?
        let content: PeerContent?
        let contentID: Digest?
        let statistics: PeerStatistics
        let hasOwner: Bool
        let ownerAddress: SocketAddress?
        let clientCount: Int

        init(_ state: PeerState) {
            phase = state.phase
            failure = state.failure
            policy = state.policy
            content = state.content
            contentID = state.manifest?.contentID
            statistics = state.statistics
            hasOwner = state.ownerLink != nil
            ownerAddress = state.ownerAddress
            clientCount = state.clients.count { $0.peer != nil }
        }
    }

    public var status: NodeStatus {
        let glimpse = state.withLock { Glimpse($0) }
        let views = glimpse.policy?.neighbourViews ?? []
        let layout = glimpse.content?.layout
        let statistics = glimpse.statistics
        return NodeStatus(
            role: .peer, phase: NodeStatus.Phase(glimpse.phase), failure: glimpse.failure?.text,
            peer: glimpse.policy?.selfIndex, seconds: seconds(since: statistics.started), listenPort: listenPort,
            transport: transportChoice.name, storeKind: options.common.storeKind,
            file: glimpse.content.map {
                NodeStatus.File(name: $0.name, layout: $0.layout, contentID: glimpse.contentID)
            },
            held: glimpse.policy?.have ?? ChunkSet(chunkCount: layout?.chunkCount ?? 0),
            traffic: NodeStatus.Traffic(
                fromOwner: statistics.bytesFromOwner,
                fromPeers: statistics.bytesFromPeers.reduce(0) { $0 + $1.bytes },
                fromDisk: statistics.bytesFromDisk, twice: statistics.bytesTwice, sent: statistics.bytesSent),
            hasOwner: glimpse.hasOwner,
            members: members(glimpse.policy, views, owner: glimpse.ownerAddress),
            sources: SlowOnes.mark(sources(glimpse.policy, views, statistics)), clientCount: glimpse.clientCount)
    }

    public var fileAccess: FileAccess {
        let (phase, content, held, contentID, finished) = state.withLock { state in
            (state.phase, state.content, state.policy?.have, state.manifest?.contentID, state.finishedStamp)
        }
        guard let content, let held else { return .unknown }
        let isFinished = phase == .complete || (phase == .leaving && finished != nil)
        guard isFinished else { return .file(ServedFile(content, contentID: contentID, held: held)) }
        return ServedFile(content, contentID: contentID, finished: finished).map { .file($0) } ?? .changed
    }

    private func members(
        _ policy: PeerPolicy?, _ views: [NeighbourView], owner: SocketAddress?
    ) -> [NodeStatus.Member] {
        guard let policy else { return [] }
        return policy.ring.entries.map { entry in
            let isSelf = entry.peer == policy.selfIndex
            let view = views.first { $0.peer == entry.peer }
            let held = isSelf ? policy.have : view?.held
            let isFull = held?.isFull ?? false
            return NodeStatus.Member(
                peer: entry.peer, address: SocketAddress(entry.address, owner: owner).map { "\($0)" } ?? "",
                state: isFull ? .complete : isSelf ? .fetching : held == nil ? .unknown : .connected, held: held,
                sources: policy.ring.sources(of: entry.peer))
        }
    }

    /// Everybody a chunk was asked from or has come from, and whom this peer is connected with to ask.
    private func sources(
        _ policy: PeerPolicy?, _ views: [NeighbourView], _ statistics: PeerStatistics
    ) -> [NodeStatus.Source] {
        let tallies = policy?.sourceTallies ?? []
        let views = views.filter(\.isSource)
        let peers = statistics.bytesFromPeers.map(\.peer) + tallies.map(\.peer) + views.map(\.peer)
        var last: PeerIndex?
        return peers.sorted().compactMap { peer in
            guard peer != last else { return nil }
            last = peer
            let tally = tallies.first { $0.peer == peer }
            let view = views.first { $0.peer == peer }
            return NodeStatus.Source(
                peer: peer, isConnected: view != nil,
                bytes: statistics.bytesFromPeers.first { $0.peer == peer }?.bytes ?? 0,
                chunkCount: tally?.chunkCount ?? 0, lateCount: tally?.lateCount ?? 0,
                outstandingCount: view?.outstandingCount ?? 0,
                waitedSeconds: Double(tally?.waitedNanoseconds ?? 0) / 1e9,
                longestSeconds: Double(tally?.longestNanoseconds ?? 0) / 1e9)
        }
    }

    private func seconds(since start: UInt64) -> Double {
        start == 0 ? 0 : Double(MonotonicClock.nowNanoseconds - start) / 1e9
    }
}

extension NodeStatus.Phase {
    init(_ phase: PeerPhase) {
        switch phase {
        case .waiting: self = .waiting
        case .fetching: self = .fetching
        case .assembling: self = .assembling
        case .complete: self = .complete
        case .leaving: self = .leaving
        }
    }
}
