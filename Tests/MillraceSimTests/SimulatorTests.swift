import MillraceSim
import Testing

@Suite("The simulator itself")
struct SimulatorTests {
    @Test(arguments: [SimScenario.lossy, .clogs, .faulty])
    func `the same seed gives the same trace, another seed another`(scenario: SimScenario) throws {
        var options = SimOptions()
        options.peerCount = 14
        options.chunkCount = 80
        options.scenario = scenario
        let first = try runSimulation(options)
        let again = try runSimulation(options)
        #expect(first.traceHash == again.traceHash)
        #expect(first.eventCount == again.eventCount)
        options.seed = 2
        #expect(try runSimulation(options).traceHash != first.traceHash)
    }

    /// Holds on every machine: a change here means that the policy or the simulator decides otherwise than before.
    @Test func `a trace is the same in every process`() throws {
        var options = SimOptions()
        options.chunkCount = 50
        let lines = try story(options)
        #expect(lines.count == (try story(options)).count)
        #expect(lines == (try story(options)))
    }

    private func story(_ options: SimOptions) throws -> [String] {
        var options = options
        options.story = .everything
        var lines: [String] = []
        _ = try runSimulation(options) { lines.append($0) }
        return lines
    }

    @Test(arguments: SimCanary.allCases, [1, 2, 3] as [UInt64])
    func `each bug built in on purpose is found with any seed`(canary: SimCanary, seed: UInt64) throws {
        var options = SimOptions()
        options.chunkCount = 200
        options.canary = canary
        options.seed = seed
        let report = try runSimulation(options)
        #expect(!report.violations.isEmpty, "\(report.summary)")
        #expect(report.command.contains("--canary \(canary.rawValue)"))
    }

    @Test func `a request that is dropped is missed at once, not when somebody else helps out`() throws {
        var options = SimOptions()
        options.chunkCount = 200
        options.canary = .dropsRequest
        let report = try runSimulation(options)
        #expect(report.violations.first?.contains("waits for") == true, "\(report.violations)")
    }

    @Test func `small faulty swarms all end`() throws {
        var options = SimOptions()
        options.peerCount = 8
        options.chunkCount = 40
        options.scenario = .faulty
        let tally = try runSimulations(options, seedCount: 400)
        #expect(tally.runCount == 400)
        #expect(tally.failures == [])
        #expect(tally.isGood)
    }

    @Test func `the story names joins, faults and ends`() throws {
        var options = SimOptions()
        options.chunkCount = 100
        options.scenario = .restart
        options.story = .milestones
        var lines: [String] = []
        _ = try runSimulation(options) { lines.append($0) }
        #expect(lines.contains { $0.contains("is killed with") })
        #expect(lines.contains { $0.contains("comes back with") })
        #expect(lines.count { $0.contains("has the whole file") } == 5)
    }

    @Test func `a plot shows every peer`() throws {
        var options = SimOptions()
        options.chunkCount = 60
        options.scenario = .death
        options.recordsArrivals = true
        let plot = try runSimulation(options).plot()
        #expect(plot.hasPrefix("<svg") && plot.hasSuffix("</svg>\n"))
        #expect(plot.contains("peer 3 dies"))
    }

    @Test func `the command to run it again names what matters`() throws {
        var options = SimOptions()
        options.peerCount = 7
        options.seed = 99
        options.scenario = .slowUplink
        #expect(options.command.contains("--peers 7"))
        #expect(options.command.contains("--seed 99"))
        #expect(options.command.contains("--scenario slow-up"))
    }

    @Test func `options beyond all bounds do not trap`() throws {
        var options = SimOptions()
        options.chunkCount = 3
        options.linkBytesPerSecond = 0
        options.turnsPerChunk = 0
        options.latencyNanoseconds = .max
        options.hashBytesPerSecond = 1
        #expect(try runSimulation(options).violations == [])
        options.peerCount = -1
        #expect(try runSimulation(options).isGood)
        options.chunkByteCount = 0
        #expect(throws: (any Error).self) { try runSimulation(options) }
        _ = try plan(peers: 2, linkBytesPerSecond: 0, byteCount: 1 << 40)
    }

    @Test func `a forecast is near the bound and grows with the file`() throws {
        let small = try plan(peers: 5, linkBytesPerSecond: 25_000_000, byteCount: 50_000_000)
        let large = try plan(peers: 5, linkBytesPerSecond: 25_000_000, byteCount: 500_000_000)
        #expect(small.timeOverBound >= 1 && small.timeOverBound < 1.1)
        #expect(large.timeOverBound < 1.02)
        #expect(large.expectedNanoseconds > small.expectedNanoseconds)
        #expect(try plan(peers: 3, linkBytesPerSecond: 1_000, byteCount: 0).expectedNanoseconds == 0)
    }
}
