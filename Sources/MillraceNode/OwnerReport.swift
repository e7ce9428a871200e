import MillraceIO
import MillraceWire

/// What an owner tells at the end of its run: every peer, done or gone. Bytes are file bytes; times are seconds.
public struct OwnerReport: Sendable {
    public struct Member: Sendable {
        public let peer: PeerIndex
        public let address: String
        public let outcome: Outcome
        /// From its joining to its end.
        public let seconds: Double
        public let bytesSent: UInt64
        public let heldChunkCount: Int
        /// Why it is gone; nil for one that is done, or still there.
        public let reason: String?

        public var isComplete: Bool { outcome == .done }
    }

    public enum Outcome: String, Sendable {
        /// It has verified the whole file.
        case done
        /// It was still fetching when the owner ended.
        case unfinished
        /// It had left before.
        case gone
    }

    public let name: String
    public let fileByteCount: UInt64
    public let contentID: Digest?
    public let seconds: Double
    public let firstChunkSeconds: Double?
    public let sentByteCount: UInt64
    public let members: [Member]
    public let chunkCount: UInt32
    /// `TransportChoice.name`.
    public let transport: String

    init(_ state: OwnerState, name: String, transport: TransportChoice) {
        let now = MonotonicClock.nowNanoseconds
        self.name = name
        self.transport = transport.name
        fileByteCount = state.manifest.layout.fileByteCount
        contentID = state.manifest.contentID
        seconds = Double(now - state.started) / 1e9
        firstChunkSeconds = state.firstChunkSent.map { Double($0 - state.started) / 1e9 }
        sentByteCount = state.sentByteCount
        chunkCount = state.manifest.layout.chunkCount
        members = state.members.filter(\.takesPart).map { member in
            Member(
                peer: member.peer, address: "\(member.address)",
                outcome: member.completed != nil ? .done : member.leftBecause != nil ? .gone : .unfinished,
                seconds: Double((member.completed ?? member.left ?? now) - member.joined) / 1e9,
                bytesSent: member.bytesSent,
                heldChunkCount: member.completed != nil
                    ? Int(state.manifest.layout.chunkCount)
                    : member.left == nil ? state.policy.heldChunkCount(by: member.peer) : member.heldWhenLeft,
                reason: member.completed == nil ? member.leftBecause : nil)
        }
    }

    /// Bytes sent over the file's size: about 1 for any number of peers.
    public var egress: Double {
        fileByteCount == 0 ? 0 : Double(sentByteCount) / Double(fileByteCount)
    }

    /// A few lines for people.
    public var text: String {
        var lines = [
            "report: \(name), \(fileByteCount) bytes, sent \(sentByteCount) bytes in \(Report.seconds(seconds)) s,"
                + " \(Report.seconds(egress)) times the file, \(transport)"
        ]
        for member in members {
            let held = member.isComplete ? "" : " with \(member.heldChunkCount) of \(chunkCount) chunks"
            let reason = member.reason.map { " (\($0))" } ?? ""
            lines.append(
                "  peer \(member.peer) at \(member.address): \(member.outcome) after"
                    + " \(Report.seconds(member.seconds)) s\(held), \(member.bytesSent) bytes from here\(reason)")
        }
        if let firstChunkSeconds { lines.append("  first chunk sent after \(Report.seconds(firstChunkSeconds)) s") }
        if let contentID { lines.append("  content ID \(contentID)") }
        return lines.joined(separator: "\n")
    }

    /// One JSON object.
    public var json: String {
        let list = members.map { member in
            "{\"peer\":\(member.peer),\"address\":\(Report.quoted(member.address)),\"done\":\(member.isComplete),"
                + "\"outcome\":\"\(member.outcome)\",\"seconds\":\(Report.seconds(member.seconds)),"
                + "\"sent\":\(member.bytesSent),\"chunks\":\(member.heldChunkCount),"
                + "\"reason\":\(member.reason.map(Report.quoted) ?? "null")}"
        }
        return "{\"event\":\"report\",\"role\":\"owner\",\"name\":\(Report.quoted(name)),\"bytes\":\(fileByteCount),"
            + "\"contentID\":\(contentID.map { "\"\($0)\"" } ?? "null"),\"seconds\":\(Report.seconds(seconds)),"
            + "\"firstChunkSeconds\":\(firstChunkSeconds.map(Report.seconds) ?? "null"),"
            + "\"sent\":\(sentByteCount),\"egress\":\(Report.seconds(egress)),"
            + "\"peers\":[\(list.joined(separator: ","))],\"transport\":\"\(transport)\"}"
    }
}
