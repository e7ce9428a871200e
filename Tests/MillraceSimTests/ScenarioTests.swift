import MillraceSim
import Testing

@Suite("Simulated swarms")
struct ScenarioTests {
    private func run(_ scenario: SimScenario, peers: Int, chunks: UInt32 = 300, seed: UInt64 = 1) throws -> SimReport {
        var options = SimOptions()
        options.peerCount = peers
        options.chunkCount = chunks
        options.scenario = scenario
        options.seed = seed
        options.latencyNanoseconds = options.chunkNanoseconds / 4
        return try runSimulation(options)
    }

    @Test(arguments: [1, 2, 5, 16, 40])
    func `even peers end within a few dozen chunk times of the bound`(peers: Int) throws {
        let report = try run(.even, peers: peers)
        #expect(report.isGood, "\(report.summary) \(report.violations)")
        #expect((report.worstTimeOverBound - 1) * 300 < 8 + Double(peers))
        #expect(report.ownerEgress < 1.001)
        #expect(report.chunksTwice == 0)
    }

    /// The bound on the healthy peers' time over their own, for 12 peers and 600 chunks. Of one that refuses everything
    /// the owner learns when the first request has been late for a second, which is long in so short a transfer.
    static let bounds: [(SimScenario, Double, Double)] = [
        (.slow, 1.12, 1.01), (.slowUplink, 1.15, 1.01), (.freeRider, 1.25, 1.02), (.death, 1.08, 1.02),
        (.freeze, 1.10, 1.02), (.staggered, 1.10, 1.01), (.late, 1.10, 1.01), (.ownerLeaves, 1.08, 1.01),
        (.restart, 1.08, 1.02), (.everyFourthSlow, 1.15, 1.01), (.randomUplinks, 2.0, 1.05), (.lossy, 1.15, 1.10),
        (.liar, 1.15, 1.02), (.refuser, 1.55, 1.02), (.mute, 1.10, 1.02), (.partition, 1.30, 1.10),
        (.clogs, 1.15, 1.05),
    ]

    @Test(arguments: bounds)
    func `each scenario ends within its bound`(scenario: SimScenario, time: Double, egress: Double) throws {
        let report = try run(scenario, peers: 12, chunks: 600)
        #expect(report.isGood, "\(report.summary) \(report.violations)")
        #expect(report.worstTimeOverBound < time, "\(report.summary)")
        #expect(report.ownerEgress < egress, "\(report.summary)")
    }

    /// The second and the third ask the first for what neither has: each for something else, to pass it on.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `two that fetch from one that has all share what they get`(seed: UInt64) throws {
        let report = try run(.late, peers: 5, chunks: 1000, seed: seed)
        #expect(report.isGood && report.worstTimeOverBound < 1.045, "\(report.summary)")
    }

    @Test func `small socket buffers cost little`() throws {
        var options = SimOptions()
        options.peerCount = 16
        options.chunkCount = 400
        options.holdsBack = true
        let report = try runSimulation(options)
        #expect(report.isGood)
        #expect(report.worstTimeOverBound < 1.1, "\(report.summary)")
    }

    /// Uplinks that are shared, small buffers, and answers that take a while, as on real links.
    private func shared(peers: Int, chunks: UInt32, latencyMilliseconds: UInt64) -> SimOptions {
        var options = SimOptions()
        options.peerCount = peers
        options.chunkCount = chunks
        options.latencyNanoseconds = latencyMilliseconds * 1_000_000
        options.turnsPerChunk = 8
        options.holdsBack = true
        return options
    }

    @Test(arguments: [1, 2, 100])
    func `a round trip of several chunk times costs little`(peers: Int) throws {
        let report = try runSimulation(shared(peers: peers, chunks: 600, latencyMilliseconds: 10))
        #expect(report.isGood)
        #expect(report.worstTimeOverBound < (peers == 100 ? 1.3 : 1.1), "\(report.summary)")
    }

    @Test(arguments: [(.slow, 1.15), (.slowUplink, 1.25), (.freeRider, 1.7)] as [(SimScenario, Double)])
    func `of two peers the one that is slow holds up the other little`(scenario: SimScenario, time: Double) throws {
        var options = shared(peers: 2, chunks: 700, latencyMilliseconds: 8)
        options.scenario = scenario
        options.linkBytesPerSecond = 7_500_000
        let report = try runSimulation(options)
        #expect(report.isGood)
        #expect(report.worstTimeOverBound < time, "\(report.summary)")
    }

    @Test func `a swarm of rings keeps to two neighbours and still ends`() throws {
        var options = SimOptions()
        options.peerCount = 6
        options.chunkCount = 200
        options.ringOnly = true
        let report = try runSimulation(options)
        #expect(report.isGood)
        #expect(report.worstTimeOverBound < 1.3, "\(report.summary)")
    }

    @Test func `chunks are handed out while later ones are still being hashed`() throws {
        var options = SimOptions()
        options.peerCount = 4
        options.chunkCount = 300
        options.hashBytesPerSecond = 4 * options.linkBytesPerSecond
        let report = try runSimulation(options)
        #expect(report.isGood)
        #expect(report.worstTimeOverBound < 1.1, "\(report.summary)")
    }

    @Test func `a file without chunks, or without peers, ends at once`() throws {
        #expect(try run(.even, peers: 3, chunks: 0).isGood)
        #expect(try run(.even, peers: 0).isGood)
        #expect(try run(.even, peers: 1, chunks: 1).isGood)
    }
}
