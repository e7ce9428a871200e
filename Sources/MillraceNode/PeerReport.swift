import MillraceIO
import MillraceSwarm
import MillraceWire

/// What a peer tells at the end of its run. Bytes are file bytes; times are seconds.
public struct PeerReport: Sendable {
    /// One member this peer fetched from.
    public struct Source: Sendable {
        public let peer: PeerIndex
        public let bytes: UInt64
        /// From request to chunk, on average and at the longest.
        public let meanSeconds: Double
        public let longestSeconds: Double
        /// Requests that were late.
        public let lateCount: Int
        /// Chunks that it sent when asked.
        public let chunkCount: Int

        /// From request to chunk, added up.
        var waitedSeconds: Double { meanSeconds * Double(chunkCount) }
    }

    public let name: String
    public let fileByteCount: UInt64
    public let contentID: Digest?
    public let seconds: Double
    /// The time over the least it could have been, had every second been as good as the best; nil for short runs.
    public let timeOverBound: Double?
    public let bytesFromOwner: UInt64
    public let sources: [Source]
    public let bytesFromDisk: UInt64
    public let bytesTwice: UInt64
    public let bytesSent: UInt64
    /// Sources that were lost on the way, and why.
    public let lostSources: [(peer: PeerIndex, reason: String)]
    /// Sources that were given up for others, and why.
    public let replacedSources: [(peer: PeerIndex, reason: String)]
    public let badChunkSources: [PeerIndex]
    /// The file is verified and has its name.
    public let isComplete: Bool
    /// `TransportChoice.name`.
    public let transport: String

    init(_ state: PeerState, transport: TransportChoice) {
        let statistics = state.statistics
        let end = statistics.completed ?? MonotonicClock.nowNanoseconds
        name = state.content?.name ?? ""
        fileByteCount = state.content?.layout.fileByteCount ?? 0
        contentID = state.manifest?.contentID
        seconds = Double(end - statistics.started) / 1e9
        bytesFromOwner = statistics.bytesFromOwner
        bytesFromDisk = statistics.bytesFromDisk
        bytesTwice = statistics.bytesTwice
        bytesSent = statistics.bytesSent
        lostSources = statistics.lostSources
        replacedSources = statistics.replacedSources
        badChunkSources = statistics.badChunks
        isComplete = statistics.completed != nil
        self.transport = transport.name
        sources = PeerReport.sources(statistics, state.policy?.sourceTallies ?? [])
        timeOverBound = PeerReport.timeOverBound(statistics, end: end)
    }

    /// The source with the longest average wait of those with late requests; nil if nothing was late.
    public var slowestSource: Source? { PeerReport.slowest(of: sources) }

    /// What the slowest source cost: how much longer its chunks were waited for, all together, than as many from the
    /// other sources. Nil where there were no others to compare it with.
    public var slowestSourceExtraSeconds: Double? {
        slowestSource.flatMap { PeerReport.extraSeconds(of: $0, among: sources) }
    }

    static func slowest(of sources: [Source]) -> Source? {
        sources.filter { $0.lateCount > 0 }.max { $0.meanSeconds < $1.meanSeconds }
    }

    static func extraSeconds(of slowest: Source, among sources: [Source]) -> Double? {
        let others = sources.filter { $0.peer != slowest.peer && $0.chunkCount > 0 }
        let count = others.reduce(0) { $0 + $1.chunkCount }
        guard count > 0 else { return nil }
        let mean = others.reduce(0) { $0 + $1.waitedSeconds } / Double(count)
        return max(0, slowest.meanSeconds - mean) * Double(slowest.chunkCount)
    }

    public var bytesFromPeers: UInt64 { sources.reduce(0) { $0 + $1.bytes } }

    private static func sources(_ statistics: PeerStatistics, _ tallies: [SourceTally]) -> [Source] {
        let bytes = statistics.bytesFromPeers
        let silent = tallies.filter { tally in !bytes.contains { $0.peer == tally.peer } }
        let peers = bytes.map { ($0.peer, $0.bytes) } + silent.map { ($0.peer, 0) }
        return peers.sorted { $0.0 < $1.0 }.map { peer, bytes in
            let tally = tallies.first { $0.peer == peer }
            return Source(
                peer: peer, bytes: bytes, meanSeconds: Double(tally?.meanNanoseconds ?? 0) / 1e9,
                longestSeconds: Double(tally?.longestNanoseconds ?? 0) / 1e9, lateCount: tally?.lateCount ?? 0,
                chunkCount: tally?.chunkCount ?? 0)
        }
    }

    private static func timeOverBound(_ statistics: PeerStatistics, end: UInt64) -> Double? {
        guard let rate = statistics.peakRate.bytesPerSecond, rate > 0, statistics.completed != nil else { return nil }
        let peers = statistics.bytesFromPeers.reduce(0) { $0 + $1.bytes }
        let bound = Double(statistics.bytesFromOwner + peers) / Double(rate)
        return bound > 0 ? Double(end - statistics.started) / 1e9 / bound : nil
    }
}
