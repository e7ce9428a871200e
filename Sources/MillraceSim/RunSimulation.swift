import MillraceWire

/// Runs one simulated transfer to its end, or until it is clear that it has none.
///
/// - Parameter tell: gets the story, line by line.
/// - Throws: `ChunkLayout.LayoutError` if there is no such file.
public func runSimulation(
    _ options: SimOptions, tell: ((String) -> Void)? = nil
) throws(ChunkLayout.LayoutError) -> SimReport {
    let command = options.command
    var options = options
    let plan = options.scenario == .faulty ? SimPlan(faulty: &options) : SimPlan(options)
    let byteCount = UInt64(options.chunkCount) * UInt64(options.chunkByteCount)
    // The last chunk is a short one.
    let layout = try ChunkLayout(
        fileByteCount: byteCount - (options.chunkCount > 0 ? UInt64(options.chunkByteCount) / 3 : 0),
        chunkByteCount: options.chunkByteCount)
    return Simulation(options, command: command, plan: plan, layout: layout, tell: tell).run()
}
