/// Writes JSON (RFC 8259), one value after the other. Numbers have at most six decimals.
struct JSONWriter {
    private(set) var text = ""
    /// A comma belongs in front of the next value.
    private var needsComma = false

    mutating func object(_ name: String? = nil, _ body: (inout JSONWriter) -> Void) { nest(name, "{", "}", body) }
    mutating func array(_ name: String? = nil, _ body: (inout JSONWriter) -> Void) { nest(name, "[", "]", body) }

    mutating func field(_ name: String, _ value: String?) { add(name, value.map(JSONWriter.quoted) ?? "null") }
    mutating func field(_ name: String, _ value: (some BinaryInteger)?) { add(name, value.map { "\($0)" } ?? "null") }
    mutating func field(_ name: String, _ value: Bool) { add(name, "\(value)") }
    mutating func field(_ name: String, _ value: Double?) { add(name, value.map(Decimal.text) ?? "null") }
    mutating func element(_ value: some BinaryInteger) { add(nil, "\(value)") }

    private mutating func nest(_ name: String?, _ open: String, _ close: String, _ body: (inout JSONWriter) -> Void) {
        add(name, open)
        needsComma = false
        body(&self)
        text += close
        needsComma = true
    }

    private mutating func add(_ name: String?, _ value: String) {
        if needsComma { text += "," }
        if let name { text += "\"\(name)\":" }
        text += value
        needsComma = true
    }

    /// Safe in a page too: what could end a script or a comment is escaped.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\0"..."\u{1F}", "<", ">", "&", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

/// Numbers as text for programs: six decimals at most, never infinite.
enum Decimal {
    static func text(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let rounded = (value * 1e6).rounded() / 1e6
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int64(rounded))" : "\(rounded)"
    }
}
