import Foundation
import Testing

@testable import MillraceNode

/// An owner whose chunk files rot while it serves them.
@Suite(.timeLimit(.minutes(2))) struct OwnerRepairTests {
    @Test func aChunkThatRotsAtTheOwnerIsMadeAnewFromTheSource() throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.owner { options in
            options.chunkByteCount = 10_000
            options.peerCount = 1
        }
        try waitUntil { bench.said("owner").contains("chunks hashed") }
        for chunk in [0, 7, 29] {
            let digits = String(chunk)
            let name = String(repeating: "0", count: 9 - digits.count) + digits + ".chunk"
            let file = try #require(FileHandle(forUpdatingAtPath: "\(bench.folder("owner"))/chunks/000000/\(name)"))
            try file.write(contentsOf: Data("rotten".utf8))
            try file.close()
        }
        let peer = try bench.peer("peer", of: owner.port)
        _ = try peer.report()
        _ = try owner.report()
        #expect(bench.output("peer") == bench.bytes)
        #expect(bench.said("owner").contains("made anew"))
        #expect(bench.said("peer").contains("chunk refused"))
    }
}
