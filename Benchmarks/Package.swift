// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]

// A package of its own, so that nobody who builds Millrace builds what only its benchmarks need.
let package = Package(
    name: "millrace-benchmarks",
    dependencies: [
        .package(name: "millrace", path: ".."),
        // No traits: they would bring interposers of malloc and of the runtime, which cost what is to be measured.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "MillraceBenchmarks",
            dependencies: [
                .product(name: "Benchmark", package: "benchmark"),
                .product(name: "MillraceWire", package: "millrace"),
                .product(name: "MillraceSwarm", package: "millrace"),
                .product(name: "MillraceIO", package: "millrace"),
                .product(name: "MillraceStore", package: "millrace"),
            ],
            path: "micro", swiftSettings: strict,
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
        .executableTarget(
            name: "send-path", dependencies: [.product(name: "MillraceIO", package: "millrace")], path: "paths/send",
            swiftSettings: strict),
    ]
)
