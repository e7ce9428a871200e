import MillraceIO
import MillraceWire
import Synchronization

public struct LogOptions: Sendable {
    public enum Format: String, Sendable, CaseIterable { case text, json }
    public enum Level: Int, Sendable, Comparable {
        case quiet, normal, verbose
        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    public var format = Format.text
    public var level = Level.normal
    /// Where events go; notices go to `noticeDescriptor`.
    public var eventDescriptor: CInt = 1
    public var noticeDescriptor: CInt = 2
    /// Takes the events instead of `eventDescriptor`, and notices and the report too, whatever the level.
    public var file: LogFile?
    /// How the run is shown on `noticeDescriptor` while it goes on.
    public var progress = ProgressMode.none

    public init() {}
}

/// Who is at the other end.
enum Party: Sendable, Equatable {
    case owner
    case peer(PeerIndex)
    case unknown
}

/// The events that users asked to see, owner and peers alike.
enum ChunkEvent: Sendable {
    case received, sent
    /// It was here already; with these events what all nodes sent is what all received (P10).
    case discarded
    /// It does not match its digest.
    case refused

    fileprivate var name: StaticString {
        switch self {
        case .received: "chunk received"
        case .sent: "chunk sent"
        case .discarded: "chunk discarded"
        case .refused: "chunk refused"
        }
    }
}

enum ListEvent: Sendable {
    case received, sent

    fileprivate var name: StaticString { self == .received ? "chunk ID list received" : "chunk ID list sent" }
}

enum RequestEvent: Sendable {
    case sent, received

    fileprivate var name: StaticString { self == .sent ? "chunks requested" : "request received" }
}

/// The console: one line an event, in text or JSON, collected in memory and written in large pieces by `ConsoleThread`,
/// so that a line costs well under a microsecond and no thread that moves chunks waits for a terminal.
final class EventLog: Sendable {
    private struct Pending: ~Copyable {
        var buffer = LineBuffer()
        var sequence: UInt64 = 0
    }

    let options: LogOptions
    /// Everything goes through it: it knows what is drawn.
    let screen: Screen
    private let role: StaticString
    private let number = Atomic<UInt32>(PeerIndex.max)
    private let startNanoseconds = MonotonicClock.nowNanoseconds
    /// The time of day is counted on from the start's by the monotonic clock: one call of the system less a line, and
    /// it never jumps.
    private let startWallNanoseconds: UInt64
    private let pending = Lock(Pending())
    private let writing = Lock(true)
    private let onFirst: @Sendable () -> Void

    /// - Parameter onFirst: called when the first line waits after a flush, and again when there are many, so that
    ///   someone flushes in time.
    init(role: NodeRole, options: LogOptions, onFirst: @escaping @Sendable () -> Void) {
        self.role = role == .owner ? "owner" : "peer"
        self.options = options
        self.onFirst = onFirst
        let wall = WallClock.now
        startWallNanoseconds = UInt64(max(0, wall.seconds)) * 1_000_000_000 + UInt64(max(0, wall.nanoseconds))
        screen = Screen(descriptor: options.noticeDescriptor)
        if options.file != nil { record("the run begins at \(WallClock.text)") }
    }

    /// The number the owner gave this peer, for every later line.
    func setNumber(_ peer: PeerIndex) { number.store(peer, ordering: .relaxed) }

    /// - Parameter nanoseconds: how long the chunk took: from its frame's first byte until it was whole, or from its
    ///   turn until the kernel had all of it.
    func chunk(
        _ event: ChunkEvent, _ chunk: ChunkID, byteCount: UInt32, _ party: Party, tookNanoseconds: UInt64? = nil
    ) {
        line(event.name) { line in
            line.field("chunk", UInt64(chunk))
            line.field("bytes", UInt64(byteCount))
            if let tookNanoseconds { line.field("seconds", nanoseconds: tookNanoseconds) }
            line.end(party)
        }
    }

    func list(_ event: ListEvent, count: Int, isAddition: Bool, _ party: Party) {
        line(event.name) { line in
            line.field("chunks", UInt64(count))
            line.field("form", isAddition ? "addition" : "whole")
            line.end(party)
        }
    }

    func request(_ event: RequestEvent, first: ChunkID, count: UInt32, _ party: Party) {
        line(event.name) { line in
            line.field("chunk", UInt64(first))
            line.field("count", UInt64(count))
            line.end(party)
        }
    }

    /// A request that leaves the choice of chunks to the owner.
    func credit(_ event: RequestEvent, count: UInt32, _ party: Party) {
        line(event.name) { line in
            line.field("credits", UInt64(count))
            line.end(party)
        }
    }

    /// Something people should know, on stderr and in the log file.
    func notice(_ text: String, level: LogOptions.Level = .normal) {
        let text = Columns.printable(text)
        if options.file != nil, max(options.level, .normal) >= level { record(text) }
        guard options.level >= level else { return }
        flush()
        writeAll(Array("\(name): \(text)\n".utf8), to: options.noticeDescriptor)
    }

    /// A line of progress, where no bar is drawn.
    func progressLine(_ text: String) {
        flush()
        writeAll(Array("\(name): \(text)\n".utf8), to: options.noticeDescriptor)
    }

    /// The last line: on stdout unless the log is quiet, and in the log file.
    func report(text: String, json: String) {
        flush()
        let bytes = Array(((options.format == .json ? json : text) + "\n").utf8)
        if options.level > .quiet { writeAll(bytes, to: options.eventDescriptor) }
        if let file = options.file { writeAll(bytes, to: file.descriptor) }
    }

    func flush() {
        var hasFailed = false
        writing.withLock { isOpen in
            let bytes = pending.withLock { pending in
                let bytes = pending.buffer.bytes
                pending.buffer.clear()
                return bytes
            }
            guard isOpen, !bytes.isEmpty else { return }
            isOpen = screen.write(bytes, to: options.file?.descriptor ?? options.eventDescriptor)
            hasFailed = !isOpen
        }
        guard hasFailed, let file = options.file else { return }
        writeAll(Array("\(name): the log \(file.path) can't be written any more\n".utf8), to: options.noticeDescriptor)
    }

    private var name: String {
        let number = number.load(ordering: .relaxed)
        return number == PeerIndex.max ? "\(role)" : "\(role) \(number)"
    }

    private func record(_ text: String) {
        let bytes = Array((options.format == .json ? Report.quoted(text) : text).utf8)
        line("notice", textByteCount: bytes.count) { $0.end(notice: bytes) }
    }

    @inline(__always)
    private func line(_ event: StaticString, textByteCount: Int = 0, _ fields: (inout EventLine) -> Void) {
        guard options.level > .quiet || options.file != nil else { return }
        let elapsed = MonotonicClock.nowNanoseconds - startNanoseconds
        let (before, after) = pending.withLock { pending in
            let before = pending.buffer.count
            pending.sequence += 1
            let start = pending.buffer.room(EventLine.longestByteCount + textByteCount)
            var line = EventLine(at: start, isJSON: options.format == .json)
            let number = number.load(ordering: .relaxed)
            line.begin(
                pending.sequence, elapsedNanoseconds: elapsed, wallNanoseconds: startWallNanoseconds + elapsed,
                role: role, number, event)
            fields(&line)
            pending.buffer.take(upTo: line.end)
            return (before, pending.buffer.count)
        }
        if after >= NodeLimits.logByteCount {
            flush()
        } else if before == 0 || before < NodeLimits.logFlushByteCount && after >= NodeLimits.logFlushByteCount {
            onFirst()
        }
    }

    private func writeAll(_ bytes: [UInt8], to descriptor: CInt) {
        writing.withLock { _ in _ = screen.write(bytes, to: descriptor) }
    }
}
