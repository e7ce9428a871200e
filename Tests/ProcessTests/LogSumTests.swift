import Foundation
import Testing

/// The event log is complete (P10): what all nodes say they sent is what all say they received.
@Suite(.timeLimit(.minutes(5))) struct LogSumTests {
    private struct Sums: Equatable {
        var sent: [String: Int] = [:]
        var received: [String: Int] = [:]
    }

    @Test(arguments: ["chunks", "flat"]) func whatIsSentIsWhatIsReceived(store: String) throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 3_000_000)
        let ports = try FreePort.take(4)
        let shared = "--log-format json --timeout 60 --linger 60 --store \(store)"
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --chunk-size 10000 --peers 3 \(shared)")
        let peers = try [1, 2, 3].map {
            try ground.start("\($0)", "peer \(ports[0]) \(ports[$0]) \(ports[$0 % 3 + 1]) \(shared)")
        }
        for child in [owner] + peers { #expect(try child.wait() == 0, "\(child.errors)") }
        var sums = Sums()
        for child in [owner] + peers { try add(child.output, to: &sums) }
        #expect(sums.sent == sums.received)
        #expect(sums.sent.values.reduce(0, +) >= 3 * 3_000_000)
    }

    /// Adds up bytes by way: from node to node, as either end names it.
    private func add(_ log: String, to sums: inout Sums) throws {
        var (sequence, sent, received) = (0, 0, 0)
        for line in log.split(separator: "\n") {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            let event = try #require(object as? [String: Any])
            let kind = try #require(event["event"] as? String)
            if kind == "report" {
                #expect(event["sent"] as? Int ?? sent == sent)
                let sources = (event["fromPeers"] as? [[String: Any]] ?? []).compactMap { $0["bytes"] as? Int }
                guard let owner = event["fromOwner"] as? Int, let twice = event["twice"] as? Int else { continue }
                #expect(received == owner + twice + sources.reduce(0, +))
                continue
            }
            sequence += 1
            #expect(event["sequence"] as? Int == sequence)
            guard let count = event["bytes"] as? Int, let other = event["with"] as? String,
                let node = event["node"] as? String
            else { continue }
            if kind == "chunk sent" {
                sums.sent["\(node) to \(other)", default: 0] += count
                sent += count
            } else if kind.hasPrefix("chunk ") {
                sums.received["\(other) to \(node)", default: 0] += count
                received += count
            }
        }
    }
}
