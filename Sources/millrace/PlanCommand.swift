import ArgumentParser
import MillraceSim

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Predicts, by simulation, how long a swarm will take before anything is sent.")

    @Option(help: "How many peers.") var peers: Int
    @Option(help: "Each link: 1gbit, 200mbit, or bytes per second.") var link: LinkRate
    @Option(help: "Size of the file.") var size: ByteSize
    @Option(name: .customLong("chunk-size"), help: "Bytes in a chunk.") var chunkSize = ByteSize(byteCount: 102_400)

    func validate() throws {
        guard (1...16_384).contains(peers) else { throw ValidationError("--peers takes 1 to 16384") }
        guard (1024...16_777_216).contains(chunkSize.byteCount) else {
            throw ValidationError("--chunk-size takes 1KiB to 16MiB")
        }
    }

    func run() throws {
        let forecast = try plan(
            peers: peers, linkBytesPerSecond: link.bytesPerSecond, byteCount: size.byteCount,
            chunkByteCount: UInt32(chunkSize.byteCount))
        // Ethernet, IP and TCP headers at an MTU of 1500: 1514 bytes on the wire for 1448 of ours.
        let wire = 1514.0 / 1448.0
        let seconds = Double(forecast.expectedNanoseconds) / 1e9
        try Output.line("\(peers) peers, \(size.byteCount) bytes in \(forecast.chunkCount) chunks")
        try Output.line("the least possible: \(Decimal.text(Double(forecast.boundNanoseconds) / 1e9)) s")
        try Output.line("predicted: \(Decimal.text(seconds)) s, \(Decimal.text(forecast.timeOverBound)) times that")
        try Output.line("with TCP/IP headers at an MTU of 1500: \(Decimal.text(seconds * wire)) s")
        try Output.line("the owner sends the file \(Decimal.text(forecast.ownerEgress)) times")
    }
}

/// A link's rate as people write it: `1gbit`, `200mbit`, `10g`, or bytes per second.
struct LinkRate: ExpressibleByArgument {
    let bytesPerSecond: UInt64

    init?(argument: String) {
        let text = argument.lowercased()
        let digits = text.prefix { $0.isNumber }
        guard let value = UInt64(digits), value > 0, value < 1 << 40 else { return nil }
        switch text.dropFirst(digits.count) {
        case "": bytesPerSecond = value
        case "kbit": bytesPerSecond = value * 125
        case "mbit", "m": bytesPerSecond = value * 125_000
        case "gbit", "g": bytesPerSecond = value * 125_000_000
        default: return nil
        }
        guard bytesPerSecond > 0 else { return nil }
    }
}

enum Decimal {
    /// Three places after the point.
    static func text(_ value: Double) -> String {
        let thousandths = UInt64(max(0, min(value, 1e15)) * 1000 + 0.5)
        let rest = String(thousandths % 1000)
        return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }
}
