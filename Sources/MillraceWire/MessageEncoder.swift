extension Message {
    /// Appends the whole frame, header and payload, to `bytes`.
    public func append(to bytes: inout [UInt8]) {
        let start = bytes.count
        FrameHeader.append(type, chunk: headerChunk, payloadByteCount: 0, to: &bytes)
        appendPayload(to: &bytes)
        let payloadByteCount = bytes.count - start - WireLimits.frameHeaderByteCount
        precondition(type.payloadByteCounts.contains(payloadByteCount), "\(type) of \(payloadByteCount) bytes")
        for index in 0..<4 {
            bytes[start + index] = UInt8(truncatingIfNeeded: payloadByteCount >> (8 * (3 - index)))
        }
    }

    /// The whole frame on its own.
    public var frame: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    private var headerChunk: ChunkID {
        switch self {
        case .digests(let first, _), .request(let first, _): first
        case .cancel(let chunk), .reject(let chunk, _), .rescue(let chunk, _), .ask(let chunk, _),
            .bad(let chunk, _), .proof(let chunk, _):
            chunk
        case .hello, .join, .welcome, .manifestEnd, .roster, .rosterAdd, .rosterRemove, .listRequest, .list, .have,
            .credit, .complete, .finished, .goodbye, .ping, .pong, .introduce, .proofRequest, .room:
            0
        }
    }

    private func appendPayload(to bytes: inout [UInt8]) {
        switch self {
        case .hello(let hello): hello.append(to: &bytes)
        case .join(let join): join.append(to: &bytes)
        case .welcome(let welcome): welcome.append(to: &bytes)
        case .digests(_, let digests), .proof(_, let digests): for digest in digests { digest.append(to: &bytes) }
        case .manifestEnd(let contentID), .complete(let contentID): contentID.append(to: &bytes)
        case .roster(let roster):
            bytes.appendInteger(roster.start)
            bytes.appendInteger(roster.total)
            for entry in roster.entries { entry.append(to: &bytes) }
        case .rosterAdd(let position, let total, let entry):
            bytes.appendInteger(position)
            bytes.appendInteger(total)
            entry.append(to: &bytes)
        case .rosterRemove(let peer, let total):
            bytes.appendInteger(peer)
            bytes.appendInteger(total)
        case .list(let encoded), .have(let encoded), .proofRequest(let encoded): bytes.append(contentsOf: encoded)
        case .credit(let count), .request(_, let count): bytes.appendInteger(count)
        case .room(let times): bytes.append(times)
        case .reject(_, let reason): bytes.append(reason.rawValue)
        case .rescue(_, let peer): bytes.appendInteger(peer ?? Message.noPeer)
        case .ask(_, let peer), .bad(_, let peer), .introduce(let peer): bytes.appendInteger(peer)
        case .goodbye(let code, let reason):
            bytes.appendInteger(code.rawValue)
            bytes.append(contentsOf: Message.shortened(reason).utf8)
        case .ping(let token), .pong(let token): bytes.appendInteger(token)
        case .listRequest, .cancel, .finished: break
        }
    }

    /// The longest beginning of the text that fits and is still valid UTF-8.
    private static func shortened(_ text: String) -> String {
        var result = text
        while result.utf8.count > WireLimits.largestReasonByteCount { result.removeLast() }
        return result
    }
}
