import MillraceIO
import MillraceStore
import MillraceSwarm
import MillraceWire

extension OwnerNode: ObservableNode {
    public var sendsBy: TransportKind { transportChoice.kind }

    public func tell(_ text: String) { log.notice(text) }

    public func noteServed() {
        state.withLock { $0.lastProgress = MonotonicClock.nowNanoseconds }
    }

    public var status: NodeStatus {
        let (policy, records, sent, hashedCount, contentID, failure, started, isLeaving) = state.withLock { state in
            (
                state.policy, state.members, state.sentByteCount, state.manifest.coveredChunkCount,
                state.manifest.contentID, state.failure, state.started, state.isLeaving
            )
        }
        let now = MonotonicClock.nowNanoseconds
        var held = ChunkSet(chunkCount: layout.chunkCount)
        held.insert(0..<hashedCount)
        return NodeStatus(
            role: .owner, phase: isLeaving ? .leaving : .serving, failure: failure?.text, peer: nil,
            seconds: started == 0 ? 0 : Double(now - started) / 1e9, listenPort: listenPort,
            transport: transportChoice.name, storeKind: options.common.storeKind,
            file: NodeStatus.File(name: file.name, layout: layout, contentID: contentID), held: held,
            traffic: NodeStatus.Traffic(sent: sent), hasOwner: true,
            members: SlowOnes.mark(members(policy, records, now: now)), sources: [],
            clientCount: records.count { $0.link != nil })
    }

    public var fileAccess: FileAccess {
        let contentID = state.withLock { $0.manifest.contentID }
        return ServedFile(file, layout: layout, contentID: contentID).map { .file($0) } ?? .changed
    }

    /// Those on the ring in its order, then those that have gone and not come back.
    private func members(_ policy: OwnerPolicy, _ records: [MemberRecord], now: UInt64) -> [NodeStatus.Member] {
        let present = policy.ring.entries.compactMap { entry -> NodeStatus.Member? in
            guard Int(entry.peer) < records.count else { return nil }
            // Where it listens, at the host that it comes from.
            let address = SocketAddress(host: records[Int(entry.peer)].address.host, port: entry.address.port)
            return member(records[Int(entry.peer)], address, policy, now: now)
        }
        return present + gone(records, policy).map { member($0, $0.address, policy, now: now) }
    }

    /// The last that have gone; who came back goes by its later number.
    private func gone(_ records: [MemberRecord], _ policy: OwnerPolicy) -> [MemberRecord] {
        var later: Set<NodeToken> = []
        var gone: [MemberRecord] = []
        for record in records.reversed() where gone.count < NodeLimits.shownGoneCount {
            let isLast = later.insert(record.node).inserted
            if isLast, record.takesPart, record.link == nil, !policy.isMember(record.peer) { gone.append(record) }
        }
        return gone.reversed()
    }

    private func member(
        _ record: MemberRecord, _ address: SocketAddress, _ policy: OwnerPolicy, now: UInt64
    ) -> NodeStatus.Member {
        let isGone = record.link == nil
        let end = record.completed ?? record.left ?? now
        return NodeStatus.Member(
            peer: record.peer, address: "\(address)",
            state: record.completed != nil ? .complete : isGone ? .gone : .fetching, isPresent: !isGone,
            held: policy.held(by: record.peer), sources: policy.ring.sources(of: record.peer),
            bytesSent: record.bytesSent, seconds: Double(end - record.joined) / 1e9,
            strikeCount: policy.strikeCount(of: record.peer))
    }
}
