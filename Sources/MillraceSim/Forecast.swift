import MillraceWire

/// What a transfer will take, before anything is sent.
public struct Forecast: Sendable {
    public let peerCount: Int
    public let chunkCount: UInt32
    /// The least it can take: the file once over the link.
    public let boundNanoseconds: UInt64
    /// What it will take with this policy on even links, headers and disks left out.
    public let expectedNanoseconds: UInt64
    public let ownerEgress: Double

    public var timeOverBound: Double { Double(expectedNanoseconds) / Double(max(1, boundNanoseconds)) }
}

/// Predicts a transfer by simulation. Beyond a few thousand chunks the time over the bound no longer depends on their
/// number, so that a large file is foretold from a smaller one.
///
/// - Throws: `ChunkLayout.LayoutError` if there is no such file.
public func plan(
    peers: Int, linkBytesPerSecond: UInt64, byteCount: UInt64,
    chunkByteCount: UInt32 = WireLimits.defaultChunkByteCount
) throws(ChunkLayout.LayoutError) -> Forecast {
    let layout = try ChunkLayout(fileByteCount: byteCount, chunkByteCount: chunkByteCount)
    let rate = max(1, linkBytesPerSecond)
    let bound = nanoseconds(byteCount, at: rate)
    guard peers > 0, layout.chunkCount > 0 else {
        return Forecast(
            peerCount: peers, chunkCount: layout.chunkCount, boundNanoseconds: bound, expectedNanoseconds: bound,
            ownerEgress: 0)
    }
    var options = SimOptions()
    options.peerCount = min(peers, 2000)
    options.chunkByteCount = chunkByteCount
    options.linkBytesPerSecond = rate
    let affordable = max(200, 2_000_000 / options.peerCount)
    options.chunkCount = min(layout.chunkCount, UInt32(min(affordable, 5000)))
    let report = try runSimulation(options)
    let simulated = nanoseconds(UInt64(options.chunkCount) * UInt64(chunkByteCount), at: rate)
    let overhead = report.endedAt > simulated ? report.endedAt - simulated : 0
    return Forecast(
        peerCount: peers, chunkCount: layout.chunkCount, boundNanoseconds: bound,
        expectedNanoseconds: bound + overhead, ownerEgress: report.ownerEgress)
}

/// How long so many bytes take, without overflow.
func nanoseconds(_ byteCount: UInt64, at bytesPerSecond: UInt64) -> UInt64 {
    let (whole, rest) = byteCount.quotientAndRemainder(dividingBy: bytesPerSecond)
    let (high, overflows) = whole.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflows else { return .max / 4 }
    return high + UInt64(Double(rest) * 1e9 / Double(bytesPerSecond))
}
