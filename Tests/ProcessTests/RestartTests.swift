import Foundation
import Testing

/// Processes that are killed and started again with the same command.
@Suite(.timeLimit(.minutes(3))) struct RestartTests {
    private static let byteCount = 1_500_000
    private static let shared = "--timeout 60 --linger 60"
    /// At this rate a transfer is on its way for long enough to be caught there.
    private static let paced = "--rate-limit 1MB \(shared)"

    /// A peer's process once it has a part of the chunks.
    private func halfWay(_ ground: Ground, _ name: String, _ command: String, _ node: String) throws -> Child {
        let child = try ground.start(name, command)
        try waitUntil { ground.chunkFiles(node).count > 100 }
        return child
    }

    @Test func aKilledPeerGoesOnWhereItWas() throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: Self.byteCount)
        let ports = try FreePort.take(3)
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --chunk-size 1KiB --peers 2 \(Self.paced)")
        let command = "peer \(ports[0]) \(ports[1]) --log-format json \(Self.shared)"
        let first = try halfWay(ground, "first", command, "peer-\(ports[1])")
        first.signal(SIGKILL)
        #expect(try first.wait() == 128 + SIGKILL)
        #expect(ground.data("peer-\(ports[1])/data.bin") == nil)
        let again = try ground.start("again", command)
        let other = try ground.start("other", "peer \(ports[0]) \(ports[2]) -q \(Self.shared)")
        #expect(try again.wait() == 0)
        #expect(try other.wait() == 0)
        #expect(try owner.wait() == 0)
        for port in ports[1...] { #expect(ground.data("peer-\(port)/data.bin") == bytes) }
        let report = try #require(again.output.split(separator: "\n").last)
        let object = try JSONSerialization.jsonObject(with: Data(report.utf8)) as? [String: Any]
        #expect(try #require(object?["fromDisk"] as? Int) >= 100 * 1024)
    }

    @Test func aKilledOwnerIsStartedAgain() throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: Self.byteCount)
        let ports = try FreePort.take(3)
        let command = "owner \(ports[0]) data.bin --chunk-size 1KiB --peers 2 \(Self.paced)"
        let owner = try ground.start("owner", command)
        let first = try halfWay(ground, "1", "peer \(ports[0]) \(ports[1]) \(Self.shared)", "peer-\(ports[1])")
        owner.signal(SIGKILL)
        #expect(try owner.wait() == 128 + SIGKILL)
        try waitUntil { first.errors.contains("owner:") }
        let again = try ground.start("owner-again", command)
        let second = try ground.start("2", "peer \(ports[0]) \(ports[2]) \(Self.shared)")
        for child in [first, second, again] { #expect(try child.wait() == 0) }
        for port in ports[1...] { #expect(ground.data("peer-\(port)/data.bin") == bytes) }
    }

    /// What each of two peers is granted after the restart must find its way to the other.
    @Test func peersExchangeChunksAfterTheirOwnerHasStartedAgain() throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: Self.byteCount)
        let ports = try FreePort.take(3)
        let command = "owner \(ports[0]) data.bin --chunk-size 1KiB --peers 2 \(Self.paced)"
        let owner = try ground.start("owner", command)
        let peers = try [1, 2].map { try ground.start("\($0)", "peer \(ports[0]) \(ports[$0]) \(Self.shared)") }
        try waitUntil { [1, 2].allSatisfy { ground.chunkFiles("peer-\(ports[$0])").count > 100 } }
        owner.signal(SIGKILL)
        try owner.wait()
        let again = try ground.start("owner-again", command)
        for child in peers + [again] { #expect(try child.wait() == 0) }
        for port in ports[1...] { #expect(ground.data("peer-\(port)/data.bin") == bytes) }
    }

    @Test func aPeerKilledForGoodHoldsUpNobody() throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: Self.byteCount)
        let ports = try FreePort.take(4)
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --chunk-size 1KiB --peers 2 \(Self.paced)")
        let dies = try ground.start("dies", "peer \(ports[0]) \(ports[1]) \(Self.shared)")
        let others = try [2, 3].map {
            try ground.start("\($0)", "peer \(ports[0]) \(ports[$0]) \(ports[1]) \(Self.shared)")
        }
        try waitUntil { ground.chunkFiles("peer-\(ports[1])").count > 100 }
        dies.signal(SIGKILL)
        for child in others + [owner] { #expect(try child.wait() == 0) }
        for port in ports[2...] { #expect(ground.data("peer-\(port)/data.bin") == bytes) }
    }

    @Test func aChunkThatRottedBetweenTwoRunsIsFetchedAgain() throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 500_000)
        let ports = try FreePort.take(2)
        for run in 1...2 {
            let owner = try ground.start("owner-\(run)", "owner \(ports[0]) data.bin --peers 1 --log-format json")
            let peer = try ground.start("peer-\(run)", "peer \(ports[0]) \(ports[1]) --log-format json")
            #expect(try peer.wait() == 0)
            #expect(try owner.wait() == 0)
            #expect(ground.data("peer-\(ports[1])/data.bin") == bytes)
            let report = try #require(peer.output.split(separator: "\n").last)
            let object = try JSONSerialization.jsonObject(with: Data(report.utf8)) as? [String: Any]
            #expect(object?["fromOwner"] as? Int == (run == 1 ? 500_000 : 102_400))
            try FileManager.default.removeItem(atPath: "\(ground.path)/peer-\(ports[1])/data.bin")
            try rot(ground.path + "/" + ground.chunkFiles("peer-\(ports[1])")[2])
        }
    }

    private func rot(_ path: String) throws {
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        defer { try? file.close() }
        try file.seek(toOffset: 1000)
        try file.write(contentsOf: Data("rot".utf8))
    }
}
