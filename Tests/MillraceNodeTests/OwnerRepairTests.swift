import Foundation
import MillraceIO
import Testing

@testable import MillraceNode

/// An owner whose chunk files rot while it serves them.
@Suite(.timeLimit(.minutes(5))) struct OwnerRepairTests {
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

    @Test(arguments: SwarmCase.transports.map { SwarmCase(store: .flat, transport: $0) })
    func aSourceThatIsCutWhileItIsServedIsToldAsChanged(swarm: SwarmCase) throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.owner { options in
            options.chunkByteCount = 10_000
            (options.common.storeKind, options.common.transport) = (swarm.store, swarm.transport)
        }
        try waitUntil { owner.node.isManifestClosed.load(ordering: .acquiring) }
        try FileHandle(forWritingTo: URL(fileURLWithPath: bench.file)).truncate(atOffset: 100)
        let peer = try bench.peer("peer", of: owner.port)
        let failure = #expect(throws: NodeFailure.self) { try owner.report() }
        #expect(failure?.code == .fileFault)
        #expect(failure?.text.contains("changed while it was being served") == true, "\(failure?.text ?? "")")
        peer.interrupt.signal()
        _ = try? peer.report()
    }

    @Test func noFaultIsToldInWordsOfTheProgram() {
        let gone = SystemError(call: "open", errno: 2, subject: "/x")
        for fault in [SendFault.sourceShrank(tag: 7), .source(gone, tag: 7), .socket(gone)] {
            #expect(!"\(fault)".contains("tag") && !"\(fault)".contains("source"), "\(fault)")
        }
    }
}
