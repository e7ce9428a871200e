// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableExperimentalFeature("Lifetimes"),
] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

let package = Package(
    name: "millrace",
    products: [
        .executable(name: "millrace", targets: ["millrace"]),
        .library(name: "MillraceWire", targets: ["MillraceWire"]),
        .library(name: "MillraceSwarm", targets: ["MillraceSwarm"]),
        .library(name: "MillraceIO", targets: ["MillraceIO"]),
        .library(name: "MillraceStore", targets: ["MillraceStore"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        .systemLibrary(name: "CLiburing", pkgConfig: "liburing", providers: [.apt(["liburing-dev"])]),
        .systemLibrary(name: "CLibcrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "MillraceWire", swiftSettings: strict),
        .target(name: "MillraceSwarm", dependencies: ["MillraceWire"], swiftSettings: strict),
        .target(name: "CSHA256"),
        .target(name: "MillraceIO", dependencies: ["CLiburing", "CLibcrypto", "CSHA256"], swiftSettings: strict),
        .target(name: "MillraceStore", dependencies: ["MillraceWire", "MillraceIO"], swiftSettings: strict),
        .target(
            name: "MillraceNode", dependencies: ["MillraceWire", "MillraceSwarm", "MillraceIO", "MillraceStore"],
            swiftSettings: strict),
        .target(
            name: "MillraceHTTP",
            dependencies: ["MillraceWire", "MillraceIO", "MillraceNode"],
            resources: ["page.html", "page.css", "format.js", "draw.js", "page.js"].map { .embedInCode("Page/\($0)") },
            swiftSettings: strict),
        .target(name: "MillraceSim", dependencies: ["MillraceWire", "MillraceSwarm"], swiftSettings: strict),
        .executableTarget(
            name: "millrace",
            dependencies: [
                "MillraceHTTP", "MillraceNode", "MillraceSim",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "MillraceWireTests", dependencies: ["MillraceWire"], resources: [.copy("Vectors")],
            swiftSettings: strict),
        .testTarget(name: "MillraceSwarmTests", dependencies: ["MillraceSwarm", "MillraceWire"], swiftSettings: strict),
        .testTarget(name: "MillraceIOTests", dependencies: ["MillraceIO"], swiftSettings: strict),
        .testTarget(
            name: "MillraceStoreTests", dependencies: ["MillraceStore", "MillraceIO", "MillraceWire"],
            swiftSettings: strict),
        .testTarget(
            name: "MillraceNodeTests", dependencies: ["MillraceNode", "MillraceStore", "MillraceIO", "MillraceWire"],
            swiftSettings: strict),
        .testTarget(
            name: "MillraceHTTPTests",
            dependencies: ["MillraceHTTP", "MillraceNode", "MillraceStore", "MillraceIO", "MillraceWire"],
            swiftSettings: strict),
        .testTarget(name: "MillraceSimTests", dependencies: ["MillraceSim"], swiftSettings: strict),
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "MillraceHTTP", "MillraceNode", "MillraceStore", "MillraceIO", "MillraceSwarm", "MillraceWire",
            ],
            swiftSettings: strict),
        .testTarget(name: "RepositoryTests", swiftSettings: strict),
        .testTarget(name: "ProcessTests", dependencies: ["millrace"], swiftSettings: strict),
    ]
)
