/// Numbers as people read them at a glance.
enum ProgressUnits {
    /// `45 %`: rounded down, so that 100 % means all of it.
    static func percent(_ part: UInt64, of whole: UInt64) -> String {
        let share = whole == 0 ? 100 : Double(min(part, whole)) / Double(whole) * 100
        return "\(part >= whole ? 100 : min(99, Int(share))) %"
    }

    /// `840 kB/s`, `1.2 GB/s`: decimal units, as links are rated.
    static func rate(_ bytesPerSecond: Double) -> String { "\(size(bytesPerSecond))/s" }

    /// `999 B`, `1.2 MB`, `35 GB`: three significant digits at most.
    static func size(_ byteCount: Double) -> String {
        var (value, units) = (max(0, byteCount), ["B", "kB", "MB", "GB", "TB"][...])
        while value >= 999.5, units.count > 1 {
            value /= 1000
            units.removeFirst()
        }
        let unit = units.first ?? "TB"
        guard value < 9.95, unit != "B" else { return "\(UInt64(min(value + 0.5, 1e15))) \(unit)" }
        let tenths = Int(value * 10 + 0.5)
        return "\(tenths / 10).\(tenths % 10) \(unit)"
    }

    /// `0:34`, `12:05`, `1:02:03`, `2d 03h`; `-:--` where nobody knows.
    static func duration(seconds: Double?) -> String {
        guard let seconds, seconds.isFinite, seconds < 1e8 else { return "-:--" }
        let all = Int(max(0, seconds).rounded(.up))
        let (days, hours, minutes) = (all / 86400, all / 3600 % 24, all / 60 % 60)
        if days > 0 { return "\(days)d \(two(hours))h" }
        return hours > 0 ? "\(hours):\(two(minutes)):\(two(all % 60))" : "\(minutes):\(two(all % 60))"
    }

    /// `1 source`, `3 sources`.
    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

/// How many columns text takes in a terminal, and text that is safe to put there.
enum Columns {
    static func width(of text: String) -> Int { text.reduce(0) { $0 + width(of: $1) } }

    /// Wide characters (Unicode's East Asian Width, and emoji) take two.
    private static func width(of character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }

    /// The text cut to so many columns, its end marked where something is missing.
    static func cut(_ text: String, to columns: Int, mark: Character) -> String {
        guard width(of: text) > columns else { return text }
        var (result, left) = ("", columns - 1)
        for character in text {
            left -= width(of: character)
            guard left >= 0 else { break }
            result.append(character)
        }
        return columns > 0 ? result + String(mark) : ""
    }

    /// One line without anything a terminal would act on: names and reasons may come from the network.
    static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var result = ""
        for scalar in text.unicodeScalars { result.unicodeScalars.append(isUnsafe(scalar) ? "?" : scalar) }
        return result
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .format, .surrogate: true
        default: false
        }
    }
}
