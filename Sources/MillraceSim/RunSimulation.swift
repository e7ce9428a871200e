import MillraceWire

/// Runs one simulated transfer to its end, or until it is clear that it has none.
///
/// - Parameter tell: gets the story, line by line.
/// - Throws: `ChunkLayout.LayoutError` if there is no such file.
public func runSimulation(
    _ options: SimOptions, tell: ((String) -> Void)? = nil
) throws(ChunkLayout.LayoutError) -> SimReport {
    let command = options.command
    var options = options.bounded()
    let plan = options.scenario == .faulty ? SimPlan(faulty: &options) : SimPlan(options)
    let byteCount = UInt64(options.chunkCount) * UInt64(options.chunkByteCount)
    // The last chunk is a short one.
    let layout = try ChunkLayout(
        fileByteCount: byteCount - (options.chunkCount > 0 ? UInt64(options.chunkByteCount) / 3 : 0),
        chunkByteCount: options.chunkByteCount)
    var simulation = Simulation(options, command: command, plan: plan, layout: layout, tell: tell)
    return simulation.run()
}

/// What came of many runs.
public struct SimTally: Sendable {
    public private(set) var runCount = 0
    public private(set) var stuckCount = 0
    public private(set) var brokenRuleCount = 0
    /// The first few that were stuck or broke a rule, each with the command that runs it again.
    public private(set) var failures: [String] = []

    private static let failureLimit = 20

    public var isGood: Bool { stuckCount == 0 && brokenRuleCount == 0 }

    mutating func add(_ report: SimReport) {
        runCount += 1
        if report.isStuck { stuckCount += 1 }
        if !report.violations.isEmpty { brokenRuleCount += 1 }
        guard !report.isGood, failures.count < SimTally.failureLimit else { return }
        let reasons = [report.summary] + report.violations
        failures.append("\(report.command): \(reasons.joined(separator: "; "))")
    }

    /// One line for a person.
    public var summary: String { "\(runCount) runs, \(stuckCount) stuck, \(brokenRuleCount) with a broken rule" }
}

/// Runs the same options with as many seeds, one after the other from `options.seed`.
///
/// - Parameter each: sees every report.
/// - Throws: `ChunkLayout.LayoutError` if there is no such file.
public func runSimulations(
    _ options: SimOptions, seedCount: Int, each: ((SimReport) -> Void)? = nil
) throws(ChunkLayout.LayoutError) -> SimTally {
    var tally = SimTally()
    var options = options
    for _ in 0..<seedCount {
        let report = try runSimulation(options)
        tally.add(report)
        each?(report)
        options.seed &+= 1
    }
    return tally
}
