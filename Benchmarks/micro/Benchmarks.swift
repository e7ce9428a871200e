import Benchmark

/// The names say the layer first, so that `--filter "Wire.*"` runs one of them. They have no spaces and no slashes:
/// the plugin (1.38) puts underscores there in the names of threshold files it writes, and none in those it reads.
let benchmarks: @Sendable () -> Void = {
    // Times of one machine: only what has doubled is worth a look on another, or on a busy one.
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock], timeUnits: .nanoseconds, warmupIterations: 2, maxDuration: .seconds(1),
        maxIterations: 100_000, thresholds: [.wallClock: BenchmarkThresholds(relative: [.p50: 100, .p90: 100])])
    wireBenchmarks()
    listBenchmarks()
    policyBenchmarks()
    hashBenchmarks()
    storeBenchmarks()
    transportBenchmarks()
}

/// Numbers that are the same in every run (splitmix64).
struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        let words = (0..<(count + 7) / 8).map { _ in next() }
        return words.withUnsafeBytes { Array($0.prefix(count)) }
    }
}

extension Benchmark.Configuration {
    /// For closures that do a thing a thousand times: reported for one.
    static var perThousand: Self {
        var configuration = Benchmark.defaultConfiguration
        configuration.scalingFactor = .kilo
        return configuration
    }
}
