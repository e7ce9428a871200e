extension PeerReport {
    /// A few lines for people.
    public var text: String {
        guard !name.isEmpty else { return "report: no owner was met, \(Report.seconds(seconds)) s" }
        let end = isComplete ? "" : ", unfinished,"
        var lines = [
            "report: \(name), \(fileByteCount) bytes\(end) in \(Report.seconds(seconds)) s,"
                + " \(Report.rate(bytesFromOwner + bytesFromPeers, seconds)), \(transport)",
            "  from the owner \(bytesFromOwner), from peers \(bytesFromPeers), from disk \(bytesFromDisk),"
                + " twice \(bytesTwice), sent \(bytesSent)",
        ]
        if let timeOverBound {
            lines.append("  \(Report.seconds(timeOverBound)) times what the best second seen would have made possible")
        }
        for source in sources {
            let late = source.lateCount == 0 ? "" : ", \(source.lateCount) late"
            lines.append(
                "  from peer \(source.peer): \(source.bytes), \(Report.seconds(source.meanSeconds)) s a chunk\(late)")
        }
        if let slowest = slowestSource {
            let cost = slowestSourceExtraSeconds.map {
                ", \(Report.seconds($0)) s more in all than the others would have taken"
            } ?? ""
            lines.append(
                "  slowest source: peer \(slowest.peer), \(slowest.lateCount) chunks asked elsewhere,"
                    + " up to \(Report.seconds(slowest.longestSeconds)) s for one\(cost)")
        }
        for old in replacedSources { lines.append("  replaced peer \(old.peer) as a source: \(old.reason)") }
        for lost in lostSources { lines.append("  lost peer \(lost.peer) as a source: \(lost.reason)") }
        for peer in badChunkSources { lines.append("  peer \(peer) sent a bad chunk") }
        if let contentID { lines.append("  content ID \(contentID)") }
        return lines.joined(separator: "\n")
    }

    /// One JSON object.
    public var json: String {
        let from = sources.map { source in
            "{\"peer\":\(source.peer),\"bytes\":\(source.bytes),\"meanSeconds\":\(Report.seconds(source.meanSeconds)),"
                + "\"longestSeconds\":\(Report.seconds(source.longestSeconds)),\"late\":\(source.lateCount)}"
        }
        let lost = lostSources.map { "{\"peer\":\($0.peer),\"reason\":\(Report.quoted($0.reason))}" }
        let replaced = replacedSources.map { "{\"peer\":\($0.peer),\"reason\":\(Report.quoted($0.reason))}" }
        let liars = badChunkSources.map { "\($0)" }
        return "{\"event\":\"report\",\"role\":\"peer\",\"name\":\(Report.quoted(name)),\"bytes\":\(fileByteCount),"
            + "\"contentID\":\(contentID.map { "\"\($0)\"" } ?? "null"),\"seconds\":\(Report.seconds(seconds)),"
            + "\"timeOverBound\":\(timeOverBound.map(Report.seconds) ?? "null"),\"fromOwner\":\(bytesFromOwner),"
            + "\"fromPeers\":[\(from.joined(separator: ","))],\"fromDisk\":\(bytesFromDisk),"
            + "\"twice\":\(bytesTwice),\"sent\":\(bytesSent),"
            + "\"slowestSource\":\(slowestSource.map { "\($0.peer)" } ?? "null"),"
            + "\"slowestSourceExtraSeconds\":\(slowestSourceExtraSeconds.map(Report.seconds) ?? "null"),"
            + "\"replacedSources\":[\(replaced.joined(separator: ","))],\"done\":\(isComplete),"
            + "\"lostSources\":[\(lost.joined(separator: ","))],\"badChunkSources\":[\(liars.joined(separator: ","))],"
            + "\"transport\":\"\(transport)\"}"
    }
}
