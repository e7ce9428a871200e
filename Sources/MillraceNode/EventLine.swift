import MillraceIO
import MillraceWire

/// Bytes that grow, written through a pointer: a line of the log costs a few hundred nanoseconds this way, and twice as
/// much by appending to an array.
struct LineBuffer: ~Copyable, @unchecked Sendable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    fileprivate(set) var count = 0

    init() {
        capacity = 4096
        base = .allocate(capacity: capacity)
    }

    deinit { base.deallocate() }

    /// Where to write next, with so many bytes of room.
    mutating func room(_ byteCount: Int) -> UnsafeMutablePointer<UInt8> {
        if capacity - count < byteCount {
            let larger = max(2 * capacity, count + byteCount)
            let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
            moved.update(from: base, count: count)
            base.deallocate()
            (base, capacity) = (moved, larger)
        }
        return base + count
    }

    /// Takes what was written to the room as far as `end`.
    mutating func take(upTo end: UnsafeMutablePointer<UInt8>) {
        precondition(end >= base + count && end <= base + capacity)
        count = end - base
    }

    mutating func clear() { count = 0 }

    var bytes: [UInt8] { Array(UnsafeBufferPointer(start: base, count: count)) }
}

/// One line of the event log, written into room for the longest there is.
struct EventLine {
    /// More than any line takes, the text of a notice left out.
    static let longestByteCount = 512

    private(set) var end: UnsafeMutablePointer<UInt8>
    private let isJSON: Bool

    init(at start: UnsafeMutablePointer<UInt8>, isJSON: Bool) {
        end = start
        self.isJSON = isJSON
    }

    /// - Parameter wallNanoseconds: the time of day, since 1970.
    mutating func begin(
        _ sequence: UInt64, elapsedNanoseconds: UInt64, wallNanoseconds: UInt64, role: StaticString,
        _ number: PeerIndex, _ event: StaticString
    ) {
        if isJSON {
            text("{\"sequence\":")
            integer(sequence)
            text(",\"time\":")
            seconds(wallNanoseconds)
            text(",\"elapsed\":")
            seconds(elapsedNanoseconds)
            text(",\"node\":\"")
            node(role, number)
            text("\",\"event\":\"")
            text(event)
            text("\"")
        } else {
            seconds(elapsedNanoseconds)
            text(" ")
            node(role, number)
            text(": ")
            text(event)
        }
    }

    mutating func field(_ name: StaticString, _ value: UInt64) {
        key(name)
        integer(value)
    }

    mutating func field(_ name: StaticString, _ value: StaticString) {
        key(name)
        if isJSON { text("\"") }
        text(value)
        if isJSON { text("\"") }
    }

    mutating func field(_ name: StaticString, nanoseconds: UInt64) {
        key(name)
        seconds(nanoseconds)
    }

    mutating func end(_ party: Party) {
        key("with")
        if isJSON { text("\"") }
        switch party {
        case .owner: text("owner")
        case .peer(let number): node("peer", number)
        case .unknown: text("unknown")
        }
        if isJSON { text("\"") }
        if isJSON, case .peer(let number) = party { field("peer", UInt64(number)) }
        if isJSON { text("}") }
        text("\n")
    }

    /// - Parameter notice: for JSON quoted already.
    mutating func end(notice: [UInt8]) {
        if isJSON { key("text") } else { text(": ") }
        end.update(from: notice, count: notice.count)
        end += notice.count
        if isJSON { text("}") }
        text("\n")
    }

    private mutating func node(_ role: StaticString, _ number: PeerIndex) {
        text(role)
        guard number != PeerIndex.max else { return }
        text(" ")
        integer(UInt64(number))
    }

    private mutating func key(_ name: StaticString) {
        text(isJSON ? ",\"" : " ")
        text(name)
        text(isJSON ? "\":" : "=")
    }

    private mutating func text(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        end.update(from: text.utf8Start, count: count)
        end += count
    }

    private mutating func integer(_ value: UInt64) {
        var (digitCount, rest) = (1, value / 10)
        while rest > 0 {
            digitCount += 1
            rest /= 10
        }
        integer(value, digitCount: digitCount)
    }

    private mutating func integer(_ value: UInt64, digitCount: Int) {
        var rest = value
        var index = digitCount
        while index > 0 {
            index -= 1
            (end + index).pointee = UInt8(truncatingIfNeeded: 48 + rest % 10)
            rest /= 10
        }
        end += digitCount
    }

    private mutating func seconds(_ nanoseconds: UInt64) {
        integer(nanoseconds / 1_000_000_000)
        text(".")
        integer(nanoseconds / 1_000 % 1_000_000, digitCount: 6)
    }
}
