import MillraceIO
import MillraceSwarm
import MillraceWire

/// How far an owner's run is, at one moment, with every peer that has come.
struct OwnerProgress: Sendable, Equatable {
    struct Member: Sendable, Equatable {
        let peer: PeerIndex
        let address: SocketAddress
        var heldChunkCount = 0
        var isComplete = false
        var isGone = false
    }

    var name = ""
    var fileByteCount: UInt64 = 0
    var chunkCount = 0
    var chunkByteCount = 0
    var hashedChunkCount = 0
    var sentByteCount: UInt64 = 0
    var members: [Member] = []
    /// How many peers shall have the file; nil where that was not stated.
    var wantedCount: Int?
    /// Seconds until the run ends for want of peers; nil while there are any, or for never.
    var secondsLeft: Double?

    var doneCount: Int { members.count { $0.isComplete } }
    var live: [Member] { members.filter { !$0.isGone && !$0.isComplete } }

    /// A line for the owner and one for each peer that is under way, as far as there is room.
    ///
    /// - Parameters:
    ///   - rate: bytes the owner sends per second.
    ///   - rates: the same for what each peer gains, by peer number.
    ///   - size: the room there is.
    func lines(
        rate: Double?, rates: (PeerIndex) -> Double?, size: Terminal.Size, _ style: ProgressStyle
    ) -> [StyledLine] {
        let live = live
        let room = max(1, size.rows)
        let shownCount = live.count + 1 <= room ? live.count : max(0, room - 2)
        // Who is furthest behind is what people look for.
        let behind = live.sorted { ($0.heldChunkCount, $0.peer) < ($1.heldChunkCount, $1.peer) }
        let shown = behind.prefix(shownCount).sorted { $0.peer < $1.peer }
        var lines = [summaryLine(rate, size.columns, style)]
        lines += shown.map { memberLine($0, rates($0.peer), size.columns, style) }
        if shownCount < live.count, room > 1 {
            lines.append(restLine(behind.dropFirst(shownCount), size.columns, style))
        }
        return lines
    }

    private func summaryLine(_ rate: Double?, _ columns: Int, _ style: ProgressStyle) -> StyledLine {
        var line = ProgressLine()
        line.add(Columns.cut(Columns.printable(name), to: 24, mark: style.cutMark), rank: 3)
        guard !members.isEmpty else {
            line.add("waiting for peers", rank: 0)
            if let secondsLeft { line.add("\(ProgressUnits.duration(seconds: secondsLeft)) left", rank: 1) }
            addHashing(to: &line)
            return line.line(columns: columns, style)
        }
        line.add(counts, rank: 0)
        line.add(rate.map { "\(ProgressUnits.rate($0)) up" } ?? "- B/s up", rank: 1)
        line.add("\(egress) times the file sent", rank: 4)
        addHashing(to: &line)
        return line.line(columns: columns, style)
    }

    private func addHashing(to line: inout ProgressLine) {
        guard hashedChunkCount < chunkCount else { return }
        let percent = ProgressUnits.percent(UInt64(hashedChunkCount), of: UInt64(chunkCount))
        line.add("hashed \(percent)", rank: 2)
    }

    private var counts: String {
        let gone = members.count { $0.isGone && !$0.isComplete }
        let all = wantedCount.map { "\(doneCount) of \($0) done" } ?? "\(doneCount) done"
        return "\(all), \(live.count) under way" + (gone > 0 ? ", \(gone) gone" : "")
    }

    private var egress: String {
        Report.hundredths(fileByteCount == 0 ? 0 : Double(sentByteCount) / Double(fileByteCount))
    }

    private func memberLine(
        _ member: Member, _ rate: Double?, _ columns: Int, _ style: ProgressStyle
    ) -> StyledLine {
        var line = ProgressLine()
        line.add("peer \(member.peer)", rank: 1)
        line.add("\(member.address)", rank: 5)
        line.addBar(chunkCount == 0 ? 1 : Double(member.heldChunkCount) / Double(chunkCount), rank: 2)
        let percent = ProgressUnits.percent(UInt64(member.heldChunkCount), of: UInt64(chunkCount))
        line.add(String(repeating: " ", count: max(0, 5 - percent.count)) + percent, rank: 0)
        line.add(rate.map(ProgressUnits.rate) ?? "- B/s", rank: 3)
        line.add(ProgressUnits.duration(seconds: secondsLeft(member, rate)), rank: 4)
        return line.line(columns: columns, style)
    }

    private func secondsLeft(_ member: Member, _ rate: Double?) -> Double? {
        guard let rate, rate > 0 else { return nil }
        return Double((chunkCount - member.heldChunkCount) * chunkByteCount) / rate
    }

    /// `and 12 more, 40 % to 80 %`
    private func restLine(_ rest: ArraySlice<Member>, _ columns: Int, _ style: ProgressStyle) -> StyledLine {
        var line = ProgressLine()
        let ends = [rest.first, rest.last].compactMap { $0?.heldChunkCount }.map {
            ProgressUnits.percent(UInt64($0), of: UInt64(chunkCount))
        }
        line.add("and \(rest.count) more", rank: 0)
        line.add(ends.joined(separator: " to "), rank: 1)
        return line.line(columns: columns, style)
    }

    /// The same in one line of a log.
    func logLine(rate: Double?) -> String {
        let style = ProgressStyle(hasColour: false, hasUnicode: true)
        let line = summaryLine(rate, 400, style).text
        guard let slowest = live.min(by: { $0.heldChunkCount < $1.heldChunkCount }) else { return line }
        let percent = ProgressUnits.percent(UInt64(slowest.heldChunkCount), of: UInt64(chunkCount))
        return "\(line)  peer \(slowest.peer) is furthest behind, \(percent)"
    }
}

extension OwnerNode {
    var progress: OwnerProgress {
        let now = MonotonicClock.nowNanoseconds
        var progress = OwnerProgress()
        progress.name = file.name
        progress.fileByteCount = layout.fileByteCount
        progress.chunkCount = Int(layout.chunkCount)
        progress.chunkByteCount = Int(layout.chunkByteCount)
        progress.hashedChunkCount = Int(coveredChunkCount.load(ordering: .relaxed))
        progress.wantedCount = options.peerCount
        state.withLock { state in
            progress.members = state.members.filter(\.takesPart).map { member in
                OwnerProgress.Member(
                    peer: member.peer, address: member.address,
                    heldChunkCount: member.completed == nil
                        ? state.policy.heldChunkCount(by: member.peer) : Int(layout.chunkCount),
                    isComplete: member.completed != nil, isGone: member.link == nil)
            }
            progress.sentByteCount = state.sentByteCount
            let end = state.lastProgress.adding(options.common.timeoutNanoseconds)
            if state.members.isEmpty, end != .max { progress.secondsLeft = Double(end > now ? end - now : 0) / 1e9 }
        }
        return progress
    }
}
