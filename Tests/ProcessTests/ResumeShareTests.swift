import Foundation
import Testing

/// How much a killed peer has to fetch once more.
@Suite(.timeLimit(.minutes(3))) struct ResumeShareTests {
    private static let chunkCount = 2000

    /// Killed with half of the chunks, a peer fetches at most 51 % of the file after its restart.
    @Test(arguments: ["chunks", "flat"]) func whatAPeerHadWhenItWasKilledIsNotFetchedAgain(store: String) throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: Self.chunkCount * 1024)
        let ports = try FreePort.take(2)
        let options = "--timeout 60 --linger 60 --log-format json"
        let pace = "--chunk-size 1KiB --rate-limit 1MB"
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --peers 1 \(pace) \(options)")
        let command = "peer \(ports[0]) \(ports[1]) --store \(store) \(options)"
        let first = try ground.start("first", command)
        try waitUntil { received(first) >= Self.chunkCount / 2 }
        first.signal(SIGKILL)
        #expect(try first.wait() == 128 + SIGKILL)
        #expect(ground.data("peer-\(ports[1])/data.bin") == nil)
        let again = try ground.start("again", command)
        #expect(try again.wait() == 0)
        #expect(try owner.wait() == 0)
        #expect(ground.data("peer-\(ports[1])/data.bin") == bytes)
        #expect(received(again) <= Self.chunkCount * 51 / 100)
        #expect(received(first) + received(again) <= Self.chunkCount * 101 / 100)
    }

    private func received(_ child: Child) -> Int {
        child.output.components(separatedBy: "\"chunk received\"").count - 1
    }
}
