/// Prometheus text, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): for each metric its help, its
/// type, then its samples, together.
struct MetricsWriter {
    enum Kind: String { case counter, gauge, summary }

    private(set) var text = ""
    private var name = ""

    /// Begins a metric. Counters end in `_total`, units are the base ones: bytes and seconds.
    mutating func metric(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func metric(_ name: String, _ kind: Kind, _ help: String, _ value: some BinaryInteger) {
        metric(name, kind, help)
        sample(value)
    }

    mutating func sample(_ value: some BinaryInteger, _ labels: [(String, String)] = [], suffix: String = "") {
        line("\(value)", labels, suffix)
    }

    mutating func sample(_ value: Double, _ labels: [(String, String)] = [], suffix: String = "") {
        line(Decimal.text(value), labels, suffix)
    }

    private mutating func line(_ value: String, _ labels: [(String, String)], _ suffix: String) {
        let pairs = labels.map { "\($0.0)=\"\(MetricsWriter.escaped($0.1))\"" }
        text += name + suffix + (pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}") + " \(value)\n"
    }

    /// Backslash, quote and line feed have escapes; nothing else needs one.
    static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
