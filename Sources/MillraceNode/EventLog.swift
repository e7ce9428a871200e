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

    public init() {}
}

/// Who is at the other end.
enum Party: Sendable, Equatable {
    case owner
    case peer(PeerIndex)
    case unknown
}

/// The events that users asked to see, owner and peers alike.
enum ChunkEvent: String, Sendable {
    case received = "chunk received"
    case sent = "chunk sent"
    /// It was here already; with these events what all nodes sent is what all received (P10).
    case discarded = "chunk discarded"
    /// It does not match its digest.
    case refused = "chunk refused"
}

enum ListEvent: String, Sendable {
    case received = "chunk ID list received"
    case sent = "chunk ID list sent"
}

enum RequestEvent: String, Sendable {
    case sent = "chunks requested"
    case received = "request received"
}

/// The console: one line an event, in text or JSON, collected in memory and written in large pieces, so that a line
/// costs well under a microsecond and no thread that moves chunks waits for a terminal.
final class EventLog: Sendable {
    private struct Pending: ~Copyable {
        var bytes: [UInt8] = []
        var sequence: UInt64 = 0
    }

    private let options: LogOptions
    private let role: String
    private let number = Atomic<UInt32>(PeerIndex.max)
    private let startNanoseconds = MonotonicClock.nowNanoseconds
    private let pending = Lock(Pending())
    private let writing = Lock(true)
    private let onFirst: @Sendable () -> Void

    private static let flushByteCount = 64 * 1024

    /// - Parameter onFirst: called when the first line waits after a flush, so that someone flushes in time.
    init(role: NodeRole, options: LogOptions, onFirst: @escaping @Sendable () -> Void) {
        self.role = role == .owner ? "owner" : "peer"
        self.options = options
        self.onFirst = onFirst
    }

    /// The number the owner gave this peer, for every later line.
    func setNumber(_ peer: PeerIndex) { number.store(peer, ordering: .relaxed) }

    func chunk(_ event: ChunkEvent, _ chunk: ChunkID, byteCount: UInt32, _ party: Party) {
        line(event.rawValue, party) { line in
            line.field("chunk", UInt64(chunk))
            line.field("bytes", UInt64(byteCount))
        }
    }

    func list(_ event: ListEvent, count: Int, isAddition: Bool, _ party: Party) {
        line(event.rawValue, party) { line in
            line.field("chunks", UInt64(count))
            line.field("form", isAddition ? "addition" : "whole")
        }
    }

    func request(_ event: RequestEvent, first: ChunkID, count: UInt32, _ party: Party) {
        line(event.rawValue, party) { line in
            line.field("chunk", UInt64(first))
            line.field("count", UInt64(count))
        }
    }

    /// A request that leaves the choice of chunks to the owner.
    func credit(_ event: RequestEvent, count: UInt32, _ party: Party) {
        line(event.rawValue, party) { $0.field("credits", UInt64(count)) }
    }

    /// Something people should know, on stderr.
    func notice(_ text: String, level: LogOptions.Level = .normal) {
        guard options.level >= level else { return }
        flush()
        writeAll(Array("\(name): \(text)\n".utf8), to: options.noticeDescriptor)
    }

    func flush() {
        writing.withLock { isOpen in
            let bytes = pending.withLock { pending in
                let bytes = pending.bytes
                pending.bytes = []
                return bytes
            }
            guard isOpen, !bytes.isEmpty else { return }
            isOpen = EventLog.write(bytes, to: options.eventDescriptor)
        }
    }

    private var name: String {
        let number = number.load(ordering: .relaxed)
        return number == PeerIndex.max ? role : "\(role) \(number)"
    }

    private func line(_ event: String, _ party: Party, _ fields: (inout EventLine) -> Void) {
        guard options.level > .quiet else { return }
        let elapsed = MonotonicClock.nowNanoseconds - startNanoseconds
        let (wasEmpty, isLarge) = pending.withLock { pending in
            let wasEmpty = pending.bytes.isEmpty
            pending.sequence += 1
            var line = EventLine(bytes: pending.bytes, isJSON: options.format == .json)
            pending.bytes = []
            let number = number.load(ordering: .relaxed)
            line.begin(pending.sequence, elapsedNanoseconds: elapsed, role: role, number, event)
            fields(&line)
            line.end(party)
            pending.bytes = line.bytes
            return (wasEmpty, pending.bytes.count >= EventLog.flushByteCount)
        }
        if isLarge { flush() } else if wasEmpty { onFirst() }
    }

    private func writeAll(_ bytes: [UInt8], to descriptor: CInt) {
        writing.withLock { _ in _ = EventLog.write(bytes, to: descriptor) }
    }

    /// False when nobody reads any more.
    private static func write(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        (try? bytes.withUnsafeBytes { try Console.write($0, to: descriptor) }) != nil
    }
}
