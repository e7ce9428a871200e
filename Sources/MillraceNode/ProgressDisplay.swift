import MillraceIO
import MillraceWire

/// How a run is shown while it goes on.
public enum ProgressMode: String, Sendable, CaseIterable {
    /// A bar where stderr is a terminal and the log is not quiet, else nothing.
    case auto
    /// A bar; where stderr is no terminal that can draw one, lines.
    case bar
    /// A line every few seconds.
    case line
    case none
}

/// What there is to draw on.
struct ProgressGround: Sendable, Equatable {
    var isTerminal: Bool
    /// TERM; nil where it is not set.
    var kind: String?
    var isQuiet = false

    private var canDraw: Bool { isTerminal && !(kind ?? "dumb").isEmpty && (kind ?? "dumb") != "dumb" }

    /// What becomes of the mode asked for.
    func mode(for asked: ProgressMode) -> ProgressMode {
        switch asked {
        case .auto: !isTerminal || isQuiet ? .none : canDraw ? .bar : .line
        case .bar: canDraw ? .bar : .line
        case .line, .none: asked
        }
    }
}

enum NodeProgress: Sendable, Equatable {
    case peer(PeerProgress)
    case owner(OwnerProgress)
}

/// Turns what is known at a moment into lines, with the rates that follow from the moments before. Pure: time, room and
/// state are arguments.
struct ProgressDisplay: Sendable {
    private var style: ProgressStyle
    private var received = RateWindow()
    private var checked = RateWindow()
    private var sent = RateWindow()
    /// By peer number.
    private var members: [RateWindow] = []

    init(style: ProgressStyle) {
        self.style = style
    }

    mutating func saw(_ progress: NodeProgress, at now: UInt64) {
        switch progress {
        case .peer(let peer):
            received.saw(peer.newByteCount, at: now)
            checked.saw(peer.bytesFromDisk, at: now)
            sent.saw(peer.bytesSent, at: now)
        case .owner(let owner):
            sent.saw(owner.sentByteCount, at: now)
            for member in owner.members where !member.isGone && !member.isComplete {
                while members.count <= Int(member.peer) { members.append(RateWindow()) }
                members[Int(member.peer)].saw(UInt64(member.heldChunkCount * owner.chunkByteCount), at: now)
            }
        }
    }

    /// For a terminal of this size, whose last column stays free: some wrap as soon as it is used.
    func lines(_ progress: NodeProgress, size: Terminal.Size, at now: UInt64) -> [StyledLine] {
        let room = Terminal.Size(columns: max(1, size.columns - 1), rows: max(1, size.rows - 1))
        switch progress {
        case .peer(let peer): return [peer.line(rate: rate(of: peer, at: now), columns: room.columns, style)]
        case .owner(let owner):
            let rates = { (peer: PeerIndex) in
                Int(peer) < members.count ? members[Int(peer)].bytesPerSecond(at: now) : nil
            }
            return owner.lines(rate: sent.bytesPerSecond(at: now), rates: rates, size: room, style)
        }
    }

    /// For a log.
    func logLine(_ progress: NodeProgress, at now: UInt64) -> String {
        switch progress {
        case .peer(let peer): peer.logLine(rate: rate(of: peer, at: now))
        case .owner(let owner): owner.logLine(rate: sent.bytesPerSecond(at: now))
        }
    }

    private func rate(of peer: PeerProgress, at now: UInt64) -> Double? {
        switch peer.phase {
        case .checking: checked.bytesPerSecond(at: now)
        case .serving: sent.bytesPerSecond(at: now)
        case .waiting, .fetching, .assembling: received.bytesPerSecond(at: now)
        }
    }
}
