/// What a terminal can show.
struct ProgressStyle: Sendable, Equatable {
    var hasColour: Bool
    var hasUnicode: Bool

    var cutMark: Character { hasUnicode ? "…" : "~" }
}

/// One line of text for a terminal, and how many columns it takes: codes for colours take none.
struct StyledLine: Sendable, Equatable {
    var text: String
    var columns: Int

    init(_ text: String) {
        self.text = text
        columns = Columns.width(of: text)
    }

    init(text: String, columns: Int) {
        self.text = text
        self.columns = columns
    }

    mutating func append(_ other: StyledLine) {
        text += other.text
        columns += other.columns
    }
}

/// Parts that are put on one line as far as they fit, the least important ones left out first. A bar takes what room
/// is left.
struct ProgressLine {
    private enum Content {
        case text(String)
        case bar(Double)
    }

    private struct Part {
        let content: Content
        /// Parts of rank 0 stay; of the others those with the highest number go first.
        let rank: Int
        let columns: Int
    }

    private static let barColumns = 8...40

    private var parts: [Part] = []

    mutating func add(_ text: String, rank: Int) {
        parts.append(Part(content: .text(text), rank: rank, columns: Columns.width(of: text)))
    }

    /// - Parameter fraction: 0 to 1.
    mutating func addBar(_ fraction: Double, rank: Int) {
        parts.append(Part(content: .bar(fraction), rank: rank, columns: ProgressLine.barColumns.lowerBound))
    }

    func line(columns: Int, _ style: ProgressStyle) -> StyledLine {
        let separator = columns < 48 ? " " : "  "
        let kept = chosen(columns, separator.count)
        let used = kept.reduce(0) { $0 + $1.columns } + separator.count * max(0, kept.count - 1)
        let spare = max(0, columns - used)
        var result = StyledLine(text: "", columns: 0)
        for (index, part) in kept.enumerated() {
            if index > 0 { result.append(StyledLine(separator)) }
            result.append(ProgressLine.draw(part.content, spare, columns, style))
        }
        return result
    }

    /// By rank as far as they fit, then in the order they were added.
    private func chosen(_ columns: Int, _ separatorCount: Int) -> [Part] {
        var (left, kept): (Int, Set<Int>) = (columns, [])
        for index in parts.indices.sorted(by: { (parts[$0].rank, $0) < (parts[$1].rank, $1) }) {
            let cost = parts[index].columns + (kept.isEmpty ? 0 : separatorCount)
            guard cost <= left || parts[index].rank == 0 else { break }
            left -= cost
            kept.insert(index)
        }
        return parts.indices.filter(kept.contains).map { parts[$0] }
    }

    private static func draw(_ content: Content, _ spare: Int, _ columns: Int, _ style: ProgressStyle) -> StyledLine {
        switch content {
        case .text(let text): StyledLine(Columns.cut(text, to: columns, mark: style.cutMark))
        case .bar(let fraction):
            ProgressBar.line(fraction, columns: min(barColumns.lowerBound + spare, barColumns.upperBound), style)
        }
    }
}

enum ProgressBar {
    static func line(_ fraction: Double, columns: Int, _ style: ProgressStyle) -> StyledLine {
        let share = fraction.isFinite ? min(max(fraction, 0), 1) : 0
        guard style.hasUnicode else {
            let inner = max(1, columns - 2)
            let full = share >= 1 ? inner : Int(share * Double(inner))
            let head = full < inner && full > 0 ? String(repeating: "=", count: full - 1) + ">" : repeated("=", full)
            return StyledLine("[\(head)\(repeated(" ", inner - full))]")
        }
        let halves = share >= 1 ? 2 * columns : Int(share * Double(2 * columns))
        let (full, half) = (halves / 2, halves % 2)
        let head = repeated("━", full) + repeated("╸", half)
        let rest = repeated("─", columns - full - half)
        guard style.hasColour else { return StyledLine(head + rest) }
        let colour = share >= 1 ? "32" : "36"
        return StyledLine(text: "\u{1B}[\(colour)m\(head)\u{1B}[2;39m\(rest)\u{1B}[0m", columns: columns)
    }

    private static func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }
}
