import ArgumentParser
import MillraceNode

/// A rate as people write it: `12MB`, `100MB/s`, `8MiB`, `1.5GB`, `1gbit`, `200Mbit/s`, or bytes per second. As
/// networks count, and as the reports do, K, M and G are powers of 1,000; Ki, Mi and Gi are powers of 1,024.
struct ByteRate: ExpressibleByArgument {
    let bytesPerSecond: UInt64

    init?(argument: String) {
        let number = argument.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        var unit = argument.dropFirst(number.count).lowercased()
        if unit.hasSuffix("/s") { unit.removeLast(2) }
        guard let value = Double(number), let factor = ByteRate.factor(unit) else { return nil }
        let rate = value * factor
        guard rate >= Double(CommonOptions.smallestRate), rate < 1e15 else { return nil }
        bytesPerSecond = UInt64(rate)
    }

    /// Bytes in one of this unit; nil if it is none.
    private static func factor(_ unit: String) -> Double? {
        let powers = ["k": 1, "m": 2, "g": 3]
        guard let first = unit.first, let power = powers[String(first)] else {
            return ["": 1, "b": 1, "bit": 0.125][unit]
        }
        let decimal = (0..<power).reduce(1.0) { factor, _ in factor * 1000 }
        let binary = (0..<power).reduce(1.0) { factor, _ in factor * 1024 }
        switch unit.dropFirst() {
        case "", "b": return decimal
        case "i", "ib": return binary
        case "bit", "bps": return decimal / 8
        case "ibit": return binary / 8
        default: return nil
        }
    }
}
