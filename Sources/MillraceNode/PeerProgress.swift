import MillraceIO

/// How far a peer's run is, at one moment. Bytes are file bytes.
struct PeerProgress: Sendable, Equatable {
    enum Phase: Sendable, Equatable {
        /// Seconds until the run ends without an owner; nil for never.
        case waiting(owner: String, secondsLeft: Double?)
        /// What an earlier run left is being verified: such bytes are not new ones.
        case checking
        case fetching
        case assembling
        case serving
    }

    var phase = Phase.fetching
    var name = ""
    var fileByteCount: UInt64 = 0
    var chunkCount = 0
    var heldChunkCount = 0
    var bytesFromOwner: UInt64 = 0
    var bytesFromPeers: UInt64 = 0
    var bytesFromDisk: UInt64 = 0
    var bytesSent: UInt64 = 0
    var sourceCount = 0
    var uploadCount = 0

    var newByteCount: UInt64 { bytesFromOwner + bytesFromPeers }
    var heldByteCount: UInt64 { newByteCount + bytesFromDisk }

    private var fraction: Double { fileByteCount == 0 ? 1 : Double(heldByteCount) / Double(fileByteCount) }

    /// - Parameters:
    ///   - rate: new bytes per second; while checking, verified ones; once all is there, sent ones.
    ///   - columns: the room there is.
    func line(rate: Double?, columns: Int, _ style: ProgressStyle) -> StyledLine {
        var line = ProgressLine()
        switch phase {
        case .waiting(let owner, let secondsLeft): addWaiting(owner, secondsLeft, to: &line)
        case .checking: addTransfer("checking", rate, to: &line, style)
        case .fetching: addTransfer(nil, rate, to: &line, style)
        case .assembling: addTransfer("finishing", nil, to: &line, style)
        case .serving: addServing(rate, to: &line, style)
        }
        return line.line(columns: columns, style)
    }

    private func addWaiting(_ owner: String, _ secondsLeft: Double?, to line: inout ProgressLine) {
        line.add("waiting for the owner", rank: 0)
        line.add("at \(owner)", rank: 2)
        if let secondsLeft {
            line.add("\(ProgressUnits.duration(seconds: secondsLeft)) left", rank: 1)
        }
    }

    private func addTransfer(_ what: String?, _ rate: Double?, to line: inout ProgressLine, _ style: ProgressStyle) {
        line.add(shortName(style), rank: 6)
        if let what { line.add(what, rank: 2) }
        line.addBar(fraction, rank: 3)
        let percent = ProgressUnits.percent(heldByteCount, of: fileByteCount)
        line.add(String(repeating: " ", count: max(0, 5 - percent.count)) + percent, rank: 0)
        if what == nil || rate != nil { line.add(rate.map(ProgressUnits.rate) ?? "- B/s", rank: 2) }
        if phase == .fetching { line.add(ProgressUnits.duration(seconds: secondsLeft(rate)), rank: 1) }
        line.add("\(heldChunkCount)/\(chunkCount) chunks", rank: 4)
        addOrigins(to: &line)
        line.add(ProgressUnits.count(sourceCount, "source"), rank: 7)
        line.add(ProgressUnits.count(uploadCount, "upload"), rank: 8)
    }

    private func addOrigins(to line: inout ProgressLine) {
        guard newByteCount > 0 else { return }
        let owner = Int(Double(bytesFromOwner) / Double(newByteCount) * 100 + 0.5)
        line.add("owner \(owner) %, peers \(100 - owner) %", rank: 5)
    }

    private func addServing(_ rate: Double?, to line: inout ProgressLine, _ style: ProgressStyle) {
        line.add(shortName(style), rank: 2)
        line.add("complete", rank: 0)
        line.add("serving \(ProgressUnits.count(uploadCount, "peer"))", rank: 1)
        if let rate, rate > 0 { line.add("\(ProgressUnits.rate(rate)) up", rank: 3) }
        line.add("\(ProgressUnits.size(Double(bytesSent))) sent", rank: 4)
        addOrigins(to: &line)
    }

    /// The same in one line of a log, without a bar.
    func logLine(rate: Double?) -> String {
        let style = ProgressStyle(hasColour: false, hasUnicode: true)
        var line = ProgressLine()
        switch phase {
        case .waiting(let owner, let secondsLeft): addWaiting(owner, secondsLeft, to: &line)
        case .serving: addServing(rate, to: &line, style)
        default:
            line.add(ProgressUnits.percent(heldByteCount, of: fileByteCount), rank: 0)
            if phase == .checking { line.add("checking", rank: 1) }
            line.add(rate.map(ProgressUnits.rate) ?? "- B/s", rank: 1)
            if phase == .fetching { line.add("\(ProgressUnits.duration(seconds: secondsLeft(rate))) left", rank: 1) }
            line.add("\(heldChunkCount)/\(chunkCount) chunks", rank: 1)
            addOrigins(to: &line)
            line.add(ProgressUnits.count(sourceCount, "source"), rank: 7)
            line.add(ProgressUnits.count(uploadCount, "upload"), rank: 8)
        }
        return line.line(columns: 400, style).text
    }

    func secondsLeft(_ rate: Double?) -> Double? {
        guard let rate, rate > 0 else { return heldByteCount >= fileByteCount ? 0 : nil }
        return Double(fileByteCount - min(heldByteCount, fileByteCount)) / rate
    }

    private func shortName(_ style: ProgressStyle) -> String {
        Columns.cut(Columns.printable(name), to: 24, mark: style.cutMark)
    }
}

extension PeerNode {
    var progress: PeerProgress {
        let now = MonotonicClock.nowNanoseconds
        return state.withLock { state in
            var progress = PeerProgress()
            let statistics = state.statistics
            progress.name = state.content?.name ?? ""
            progress.fileByteCount = state.content?.layout.fileByteCount ?? 0
            progress.chunkCount = Int(state.content?.layout.chunkCount ?? 0)
            progress.heldChunkCount = state.policy?.have.count ?? 0
            progress.bytesFromOwner = statistics.bytesFromOwner
            progress.bytesFromPeers = statistics.bytesFromPeers.reduce(0) { $0 + $1.bytes }
            progress.bytesFromDisk = statistics.bytesFromDisk
            progress.bytesSent = statistics.bytesSent
            progress.sourceCount = state.sources.count { state.policy?.isSource($0.peer) ?? false }
            progress.uploadCount = state.clients.count { $0.peer != nil }
            progress.phase = progressPhase(state, now)
            return progress
        }
    }

    private func progressPhase(_ state: PeerState, _ now: UInt64) -> PeerProgress.Phase {
        switch state.phase {
        case .waiting:
            let end = state.lastProgress.adding(options.common.timeoutNanoseconds)
            let left = end == .max ? nil : Double(end > now ? end - now : 0) / 1e9
            return .waiting(owner: "\(options.owner)", secondsLeft: left)
        case .fetching: return state.earlier?.isDone ?? true ? .fetching : .checking
        case .assembling: return .assembling
        case .complete: return .serving
        case .leaving: return state.statistics.completed == nil ? .fetching : .serving
        }
    }
}
