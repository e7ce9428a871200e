import MillraceIO
import MillraceWire

/// One line of the event log, appended to bytes that are there already.
struct EventLine {
    var bytes: [UInt8]
    let isJSON: Bool

    init(bytes: [UInt8], isJSON: Bool) {
        self.bytes = bytes
        self.isJSON = isJSON
    }

    mutating func begin(
        _ sequence: UInt64, elapsedNanoseconds: UInt64, role: String, _ number: PeerIndex, _ event: String
    ) {
        if isJSON {
            text("{\"sequence\":")
            integer(sequence)
            text(",\"time\":")
            let wall = WallClock.now
            seconds(UInt64(max(0, wall.seconds)) * 1_000_000_000 + UInt64(max(0, wall.nanoseconds)))
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

    mutating func field(_ name: StaticString, _ value: String) {
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
        text(isJSON ? "}\n" : "\n")
    }

    mutating func end(notice: String) {
        if isJSON {
            key("text")
            text(Report.quoted(notice))
            text("}\n")
        } else {
            text(": ")
            text(notice)
            text("\n")
        }
    }

    private mutating func node(_ role: String, _ number: PeerIndex) {
        text(role)
        guard number != PeerIndex.max else { return }
        text(" ")
        integer(UInt64(number))
    }

    private mutating func key(_ name: StaticString) {
        text(isJSON ? ",\"" : " ")
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        text(isJSON ? "\":" : "=")
    }

    private mutating func text(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func integer(_ value: UInt64, width: Int = 1) {
        var digits: InlineArray<20, UInt8> = .init(repeating: 48)
        var count = 0
        var rest = value
        while rest > 0 || count < width {
            digits[count] = UInt8(48 + rest % 10)
            rest /= 10
            count += 1
        }
        while count > 0 {
            count -= 1
            bytes.append(digits[count])
        }
    }

    private mutating func seconds(_ nanoseconds: UInt64) {
        integer(nanoseconds / 1_000_000_000)
        bytes.append(46)
        integer(nanoseconds / 1_000 % 1_000_000, width: 6)
    }
}
