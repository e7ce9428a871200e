/// Just enough of SVG 1.1 for a chart.
struct Svg {
    private var parts: [String]

    init(width: Int, height: Int) {
        let size = #"viewBox="0 0 \#(width) \#(height)" width="\#(width)" height="\#(height)""#
        parts = [
            #"<svg xmlns="http://www.w3.org/2000/svg" \#(size) "#
                + #"font-family="system-ui, Helvetica, Arial, sans-serif">"#,
            #"<rect width="\#(width)" height="\#(height)" fill="white"/>"#,
        ]
    }

    mutating func text(_ x: Double, _ y: Double, _ text: String, size: Int, color: String = "#222") {
        parts.append(#"<text x="\#(short(x))" y="\#(short(y))" font-size="\#(size)" fill="\#(color)">\#(text)</text>"#)
    }

    mutating func line(_ points: [(Double, Double)], color: String, opacity: Double) {
        let list = points.map { "\(short($0.0)),\(short($0.1))" }.joined(separator: " ")
        let stroke =
            #"fill="none" stroke="\#(color)" stroke-width="1.5" stroke-opacity="\#(decimal(opacity, places: 2))""#
        parts.append(#"<polyline points="\#(list)" \#(stroke)/>"#)
    }

    mutating func cell(_ x: Double, _ y: Double, width: Double, height: Double, _ color: String) {
        // A hair wider, so that no seams show.
        let size = #"width="\#(short(width + 0.3))" height="\#(short(height + 0.3))""#
        parts.append(#"<rect x="\#(short(x))" y="\#(short(y))" \#(size) fill="\#(color)"/>"#)
    }

    /// Axes with four divisions each.
    mutating func axes(_ frame: Frame, left: String, below: String, leftMost: Double, belowMost: Double) {
        for step in 0...4 {
            let share = Double(step) / 4
            line([(frame.x(0), frame.y(share)), (frame.x(1), frame.y(share))], color: "#ccc", opacity: 0.7)
            text(frame.x - 34, frame.y(share) + 4, decimal(leftMost * share, places: 0), size: 11, color: "#666")
            let places = belowMost < 40 ? 2 : 0
            text(
                frame.x(share) - 12, frame.y + frame.height + 18, decimal(belowMost * share, places: places), size: 11,
                color: "#666")
        }
        text(frame.x, frame.y - 8, left, size: 13)
        text(frame.x + frame.width - 60, frame.y + frame.height + 34, below, size: 13)
    }

    func end() -> String { parts.joined(separator: "\n") + "\n</svg>\n" }

    private func short(_ value: Double) -> String { decimal(value, places: 1) }
}
