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

/// The console: one line an event, in text or JSON, kept as numbers in memory, put into words and written in large
/// pieces by `ConsoleThread`, so that an event costs those who move chunks a few dozen nanoseconds and never a wait for
/// a terminal.
final class EventLog: Sendable {
    private struct Pending {
        var records: [EventRecord] = []
        /// Of the notices among them.
        var texts: [[UInt8]] = []
        /// Lines for people, each with how many records are before it.
        var notices: [(place: Int, line: [UInt8])] = []

        var isEmpty: Bool { records.isEmpty && notices.isEmpty }

        mutating func clear() {
            records.removeAll(keepingCapacity: true)
            texts.removeAll()
            notices.removeAll()
        }
    }

    private struct Shared {
        var pending = Pending()
        /// A `ConsoleThread` writes what waits, or will: nobody else does who can do without.
        var hasConsole: Bool
    }

    private struct Writing: ~Copyable {
        var writer: EventWriter
        /// Taken from `pending` to be written; empty between, its storage is used again.
        var waiting = Pending()
        var isOpen = true
    }

    let options: LogOptions
    /// Everything goes through it: it knows what is drawn.
    let screen: Screen
    private let role: StaticString
    private let number = Atomic<UInt32>(PeerIndex.max)
    private let startNanoseconds = MonotonicClock.nowNanoseconds
    private let shared: Lock<Shared>
    /// The thread that never waits for those who read; 0 for none.
    private let busyThread = Atomic<UInt>(0)
    /// Nobody reads, and the run is over: what waits is not written any more.
    private let isGivenUp = Atomic(false)
    private let writing: Lock<Writing>
    private let onFirst: @Sendable () -> Void

    /// - Parameters:
    ///   - hasConsole: notices wait for a `ConsoleThread` that will be there.
    ///   - onFirst: called when the first line waits after a flush, and again when there are many, so that someone
    ///     flushes in time.
    init(role: NodeRole, options: LogOptions, hasConsole: Bool = false, onFirst: @escaping @Sendable () -> Void) {
        self.role = role == .owner ? "owner" : "peer"
        self.options = options
        shared = Lock(Shared(hasConsole: hasConsole))
        self.onFirst = onFirst
        // The time of day is counted on from here by the monotonic clock: one call of the system less an event, and it
        // never jumps.
        let wall = WallClock.now
        let wallNanoseconds = UInt64(max(0, wall.seconds)) * 1_000_000_000 + UInt64(max(0, wall.nanoseconds))
        writing = Lock(
            Writing(
                writer: EventWriter(
                    role: self.role, isJSON: options.format == .json, startWallNanoseconds: wallNanoseconds)))
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
        add(EventRecord(event, chunk, byteCount: byteCount, party, tookNanoseconds: tookNanoseconds))
    }

    func list(_ event: ListEvent, count: Int, isAddition: Bool, _ party: Party) {
        add(EventRecord(event, count: count, isAddition: isAddition, party))
    }

    func request(_ event: RequestEvent, first: ChunkID, count: UInt32, _ party: Party) {
        add(EventRecord(event, first: first, count: count, party))
    }

    /// A request that leaves the choice of chunks to the owner.
    func credit(_ event: RequestEvent, count: UInt32, _ party: Party) {
        add(EventRecord(event, credits: count, party))
    }

    /// Something people should know, on stderr and in the log file.
    func notice(_ text: String, level: LogOptions.Level = .normal) {
        let text = Columns.printable(text)
        if options.file != nil, max(options.level, .normal) >= level { record(text) }
        guard options.level >= level else { return }
        let line = Array("\(name): \(text)\n".utf8)
        guard !leaveToConsole(line) else { return onFirst() }
        flush()
        writeAll(line, to: options.noticeDescriptor)
    }

    /// False where there is no console's thread.
    private func leaveToConsole(_ line: [UInt8]) -> Bool {
        shared.withLock { shared in
            guard shared.hasConsole else { return false }
            if shared.pending.notices.count < NodeLimits.logCount {
                shared.pending.notices.append((shared.pending.records.count, line))
            }
            return true
        }
    }

    /// From now on a thread writes for all others.
    ///
    /// - Parameter busyThread: the one that never waits for it, however much there is to write.
    func consoleBegins(besides busyThread: UInt) {
        self.busyThread.store(busyThread, ordering: .relaxed)
        shared.withLock { $0.hasConsole = true }
    }

    /// The last that the console's thread does.
    func consoleEnds() {
        shared.withLock { $0.hasConsole = false }
        flush()
    }

    func giveUp() { isGivenUp.store(true, ordering: .relaxed) }

    var hasNotices: Bool { shared.withLock { !$0.pending.notices.isEmpty } }

    /// A line of progress, where no bar is drawn.
    func progressLine(_ text: String) {
        flush()
        writeAll(Array("\(name): \(text)\n".utf8), to: options.noticeDescriptor)
    }

    /// The last line: on stdout unless the log is quiet, and in the log file.
    ///
    /// - Parameter interrupt: a descriptor that becomes readable when there is no time to wait for who reads.
    func report(text: String, json: String, interrupt: CInt) {
        let isDone = WorkEnd.run("report", interrupt: interrupt, graceNanoseconds: NodeLimits.lastWordsNanoseconds) {
            self.report(text: text, json: json)
        }
        if !isDone { giveUp() }
    }

    func report(text: String, json: String) {
        guard !isGivenUp.load(ordering: .relaxed) else { return }
        flush()
        let bytes = Array(((options.format == .json ? stamped(json) : text) + "\n").utf8)
        if options.level > .quiet { writeAll(bytes, to: options.eventDescriptor) }
        if let file = options.file { writeAll(bytes, to: file.descriptor) }
    }

    private func stamped(_ json: String) -> String {
        let elapsed = MonotonicClock.nowNanoseconds - startNanoseconds
        return writing.withLock {
            $0.writer.stamped(json: json, node: number.load(ordering: .relaxed), elapsedNanoseconds: elapsed)
        }
    }

    func flush() {
        guard !isGivenUp.load(ordering: .relaxed) else { return }
        var hasFailed = false
        writing.withLock { state in
            shared.withLock { swap(&$0.pending, &state.waiting) }
            guard !state.waiting.isEmpty else { return }
            let wasOpen = state.isOpen
            var start = 0
            for (place, line) in state.waiting.notices {
                writeRecords(in: start..<place, &state)
                start = place
                _ = line.withUnsafeBytes { screen.write($0, to: options.noticeDescriptor) }
            }
            writeRecords(in: start..<state.waiting.records.count, &state)
            hasFailed = wasOpen && !state.isOpen
            state.waiting.clear()
        }
        guard hasFailed, let file = options.file else { return }
        writeAll(Array("\(name): the log \(file.path) can't be written any more\n".utf8), to: options.noticeDescriptor)
    }

    private func writeRecords(in places: Range<Int>, _ state: inout Writing) {
        guard state.isOpen, !places.isEmpty else { return }
        let target = options.file?.descriptor ?? options.eventDescriptor
        var isOpen = true
        state.writer.write(state.waiting.records, in: places, state.waiting.texts) { bytes in
            isOpen = screen.write(bytes, to: target)
            return isOpen
        }
        state.isOpen = isOpen
    }

    private var name: String {
        let number = number.load(ordering: .relaxed)
        return number == PeerIndex.max ? "\(role)" : "\(role) \(number)"
    }

    private func record(_ text: String) {
        let text = Array((options.format == .json ? Report.quoted(text) : text).utf8)
        add(.notice, text: text)
    }

    @inline(__always)
    private func add(_ record: EventRecord, text: [UInt8]? = nil) {
        guard options.level > .quiet || options.file != nil else { return }
        var record = record
        record.elapsedNanoseconds = MonotonicClock.nowNanoseconds - startNanoseconds
        record.node = number.load(ordering: .relaxed)
        let count = shared.withLock { shared in
            if let text {
                record.first = UInt32(clamping: shared.pending.texts.count)
                shared.pending.texts.append(text)
            }
            shared.pending.records.append(record)
            return shared.pending.records.count
        }
        if count >= NodeLimits.logCount {
            if busyThread.load(ordering: .relaxed) != WorkerThread.currentNumber { flush() }
        } else if count == 1 || count == NodeLimits.logFlushCount {
            onFirst()
        }
    }

    private func writeAll(_ bytes: [UInt8], to descriptor: CInt) {
        writing.withLock { _ in _ = bytes.withUnsafeBytes { screen.write($0, to: descriptor) } }
    }
}
