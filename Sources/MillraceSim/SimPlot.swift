import MillraceWire

extension SimReport {
    /// A picture of the run: every peer's progress over time, then which chunk came when and from whom. Needs
    /// `SimOptions.recordsArrivals`.
    public func plot() -> String {
        var svg = Svg(width: 1000, height: 850)
        svg.text(40, 34, "\(options.scenario.rawValue): \(peers.count) peers, \(layout.chunkCount) chunks", size: 20)
        let result =
            "time over bound \(decimal(worstTimeOverBound)), owner egress \(decimal(ownerEgress)), seed \(options.seed)"
        svg.text(40, 56, result, size: 13, color: "#666")
        plotProgress(into: &svg, Frame(x: 60, y: 90, width: 900, height: 330))
        plotMap(into: &svg, Frame(x: 60, y: 480, width: 900, height: 340))
        return svg.end()
    }

    private var lastAt: Double { max(1, Double(endedAt)) }

    private func plotProgress(into svg: inout Svg, _ frame: Frame) {
        svg.axes(frame, left: "chunks held, %", below: "time, ms", leftMost: 100, belowMost: lastAt / 1e6)
        let shown = evenly(peers.indices, atMost: 200)
        let opacity = max(0.15, min(0.9, 12 / Double(max(1, shown.count))))
        for peer in shown {
            let times = arrivals[peer].lazy.map(\.at).filter { $0 != .max }.sorted()
            guard !times.isEmpty else { continue }
            var points = [(frame.x(Double(peers[peer].joinedAt) / lastAt), frame.y(0))]
            for index in evenly(times.indices, atMost: 150) {
                let share = Double(index + 1) / Double(max(1, layout.chunkCount))
                points.append((frame.x(Double(times[index]) / lastAt), frame.y(share)))
            }
            svg.line(points, color: peers[peer].isHealthy ? "#1f6fb4" : "#d1495b", opacity: opacity)
        }
        for (row, fault) in faults.prefix(40).enumerated() {
            let x = frame.x(Double(fault.at) / lastAt)
            svg.line([(x, frame.y), (x, frame.y + frame.height)], color: "#d1495b", opacity: 0.35)
            let name = fault.node == 0 ? "owner" : "peer \(fault.node)"
            if faults.count <= 4 {
                svg.text(x + 4, frame.y + 14 + 14 * Double(row), "\(name) \(fault.text)", size: 11, color: "#d1495b")
            }
        }
    }

    /// A row for each peer, a column for each few chunks: the later it came, the darker; green where the owner sent it.
    private func plotMap(into svg: inout Svg, _ frame: Frame) {
        svg.text(
            frame.x, frame.y - 10, "who has which chunk when: light early, dark late, green from the owner", size: 13)
        let rows = evenly(peers.indices, atMost: 64)
        let columnCount = min(Int(layout.chunkCount), 180)
        guard columnCount > 0, !rows.isEmpty else { return }
        let width = frame.width / Double(columnCount)
        let height = frame.height / Double(rows.count)
        for (row, peer) in rows.enumerated() where !arrivals[peer].isEmpty {
            for column in 0..<columnCount {
                let first = column * Int(layout.chunkCount) / columnCount
                let end = max(first + 1, (column + 1) * Int(layout.chunkCount) / columnCount)
                guard let color = cellColor(arrivals[peer][first..<end]) else { continue }
                svg.cell(
                    frame.x + Double(column) * width, frame.y + Double(row) * height, width: width, height: height,
                    color)
            }
        }
        svg.text(frame.x, frame.y + frame.height + 18, "chunk 0", size: 11, color: "#666")
        svg.text(
            frame.x + frame.width - 70, frame.y + frame.height + 18, "chunk \(layout.chunkCount - 1)", size: 11,
            color: "#666")
        svg.text(frame.x - 50, frame.y + 10, "peer 1", size: 11, color: "#666")
        svg.text(frame.x - 50, frame.y + frame.height, "peer \(peers.count)", size: 11, color: "#666")
    }

    private func cellColor(_ cell: ArraySlice<Arrival>) -> String? {
        let came = cell.filter { $0.at != .max }
        guard !came.isEmpty else { return nil }
        let share = came.reduce(0) { $0 + Double($1.at) / lastAt } / Double(came.count)
        let fromOwner = Double(came.count { $0.isFromOwner }) / Double(came.count)
        let light = 92 - 62 * min(1, share)
        let hue = fromOwner >= 0.5 ? 140 : 210
        return "hsl(\(hue),\(fromOwner >= 0.5 ? 55 : 60)%,\(decimal(light, places: 0))%)"
    }

    private func evenly(_ range: Range<Int>, atMost count: Int) -> [Int] {
        guard range.count > count else { return Array(range) }
        return (0..<count).map { range.lowerBound + $0 * (range.count - 1) / max(1, count - 1) }
    }
}

/// A rectangle to plot in; shares of 0 to 1 become coordinates.
struct Frame {
    let x: Double
    let y: Double
    let width: Double
    let height: Double

    func x(_ share: Double) -> Double { x + width * min(1, max(0, share)) }
    func y(_ share: Double) -> Double { y + height * (1 - min(1, max(0, share))) }
}
