import ArgumentParser
import MillraceNode
import MillraceSim

struct SimCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sim",
        abstract: "Simulates a swarm with the policy that the nodes run; the same seed gives the same run anywhere.")

    @Option(help: "How many peers.") var peers = 5
    @Option(help: "How many chunks the file has.") var chunks: UInt32 = 1000
    @Option(name: .customLong("chunk-size"), help: "Bytes in a chunk.") var chunkSize = ByteSize(byteCount: 102_400)
    @Option(help: "Bytes per second of each link, each way.") var rate = ByteSize(byteCount: 25_000_000)
    @Option(help: "Nanoseconds from any node to any other.") var latency: UInt64 = 200_000
    @Option(help: "The run: the same seed gives the same.") var seed: UInt64 = 1
    @Option(help: "Run so many seeds, from --seed up, and say which fail.") var seeds: UInt64?
    @Option(help: "What happens besides the transfer.") var scenario: SimScenario = .even
    @Option(help: "A bug to build in, which must be found.") var canary: SimCanary?
    @Option(help: "Turns into which an uplink cuts each chunk.") var turns = 1
    @Option(name: .customLong("hash-rate"), help: "Bytes per second the owner hashes; 0: all is hashed.")
    var hashRate: UInt64 = 0
    @Flag(name: .customLong("holds-back"), help: "Small buffers: senders wait for slow receivers.")
    var holdsBack = false
    @Flag(name: .customLong("ring-only"), help: "Peers fetch from one neighbour, without chords.") var ringOnly = false
    @Flag(help: "Tell the story in words; twice for every request and chunk.") var trace: Int
    @Option(help: "Write a picture of the run: progress of every peer, chunk by chunk.", completion: .file())
    var plot: String?

    func validate() throws {
        guard (1...16_384).contains(peers) else { throw ValidationError("--peers takes 1 to 16384") }
        guard (1024...16_777_216).contains(chunkSize.byteCount) else {
            throw ValidationError("--chunk-size takes 1KiB to 16MiB")
        }
        guard chunks <= 1 << 24 else { throw ValidationError("--chunks takes at most 16777216") }
        guard rate.byteCount > 0, turns > 0, seeds != 0 else {
            throw ValidationError("--rate, --turns and --seeds take numbers from 1")
        }
    }

    func run() throws {
        var bad = 0
        let count = seeds ?? 1
        for offset in 0..<count {
            let report = try runSimulation(options(seed: seed &+ offset)) { try? Output.line($0) }
            if seeds == nil || !report.isGood { try Output.line(report.summary) }
            if let plot, count == 1 { try TextFile.write(report.plot(), to: plot) }
            guard !report.isGood else { continue }
            bad += 1
            for violation in report.violations { try Output.line("  broken: \(violation)") }
            try Output.line("  again: \(report.command)")
        }
        if seeds != nil { try Output.line("\(count) runs, \(bad) bad") }
        guard bad == 0 else { throw NodeFailure(.noProgress, "\(bad) of \(count) simulated runs are bad") }
    }

    private func options(seed: UInt64) -> SimOptions {
        var options = SimOptions()
        options.peerCount = peers
        options.chunkCount = chunks
        options.chunkByteCount = UInt32(chunkSize.byteCount)
        options.linkBytesPerSecond = rate.byteCount
        options.latencyNanoseconds = latency
        options.seed = seed
        options.scenario = scenario
        options.canary = canary
        options.turnsPerChunk = turns
        options.hashBytesPerSecond = hashRate
        options.holdsBack = holdsBack
        options.ringOnly = ringOnly
        options.story = trace == 0 ? .none : trace == 1 ? .milestones : .everything
        options.recordsArrivals = plot != nil
        return options
    }
}

extension SimScenario: ExpressibleByArgument {}
extension SimCanary: ExpressibleByArgument {}
