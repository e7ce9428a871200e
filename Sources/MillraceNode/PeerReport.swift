import MillraceIO
import MillraceWire

/// What a peer tells at the end of its run. Bytes are file bytes; times are seconds.
public struct PeerReport: Sendable {
    public let name: String
    public let fileByteCount: UInt64
    public let contentID: Digest?
    public let seconds: Double
    public let bytesFromOwner: UInt64
    public let bytesFromPeers: [(peer: PeerIndex, bytes: UInt64)]
    public let bytesFromDisk: UInt64
    public let bytesTwice: UInt64
    public let bytesSent: UInt64
    public let badChunkSources: [PeerIndex]
    public let transport: TransportKind

    init(_ state: PeerState, transport: TransportKind) {
        let statistics = state.statistics
        name = state.content?.name ?? ""
        fileByteCount = state.content?.layout.fileByteCount ?? 0
        contentID = state.manifest?.contentID
        let end = statistics.completed ?? MonotonicClock.nowNanoseconds
        seconds = Double(end - statistics.started) / 1e9
        bytesFromOwner = statistics.bytesFromOwner
        bytesFromPeers = statistics.bytesFromPeers.sorted { $0.peer < $1.peer }
        bytesFromDisk = statistics.bytesFromDisk
        bytesTwice = statistics.bytesTwice
        bytesSent = statistics.bytesSent
        badChunkSources = statistics.badChunks
        self.transport = transport
    }

    /// A few lines for people.
    public var text: String {
        let peers = bytesFromPeers.reduce(0) { $0 + $1.bytes }
        var lines = [
            "report: \(name), \(fileByteCount) bytes in \(Report.seconds(seconds)) s,"
                + " \(Report.rate(fileByteCount, seconds)), \(transport.rawValue)",
            "  from the owner \(bytesFromOwner), from peers \(peers), from disk \(bytesFromDisk),"
                + " twice \(bytesTwice), sent \(bytesSent)",
        ]
        for source in bytesFromPeers { lines.append("  from peer \(source.peer): \(source.bytes)") }
        for peer in badChunkSources { lines.append("  peer \(peer) sent a bad chunk") }
        if let contentID { lines.append("  content ID \(contentID)") }
        return lines.joined(separator: "\n")
    }

    /// One JSON object.
    public var json: String {
        let sources = bytesFromPeers.map { "{\"peer\":\($0.peer),\"bytes\":\($0.bytes)}" }.joined(separator: ",")
        let liars = badChunkSources.map { "\($0)" }.joined(separator: ",")
        return "{\"event\":\"report\",\"role\":\"peer\",\"name\":\(Report.quoted(name)),\"bytes\":\(fileByteCount),"
            + "\"contentID\":\(contentID.map { "\"\($0)\"" } ?? "null"),\"seconds\":\(Report.seconds(seconds)),"
            + "\"fromOwner\":\(bytesFromOwner),\"fromPeers\":[\(sources)],\"fromDisk\":\(bytesFromDisk),"
            + "\"twice\":\(bytesTwice),\"sent\":\(bytesSent),\"badChunkSources\":[\(liars)],"
            + "\"transport\":\"\(transport.rawValue)\"}"
    }
}

/// Number and text forms that the reports share.
enum Report {
    static func seconds(_ value: Double) -> String {
        let thousandths = UInt64(max(0, value) * 1000 + 0.5)
        let rest = "\(thousandths % 1000)"
        return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }

    static func rate(_ byteCount: UInt64, _ seconds: Double) -> String {
        guard seconds > 0 else { return "0 MB/s" }
        return "\(Report.seconds(Double(byteCount) / seconds / 1e6)) MB/s"
    }

    /// A JSON string (RFC 8259, section 7).
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
