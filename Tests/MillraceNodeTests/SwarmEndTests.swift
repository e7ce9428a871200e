import Foundation
import MillraceIO
import MillraceStore
import MillraceWire
import Testing

@testable import MillraceNode

/// How runs end that do not end well.
@Suite(.timeLimit(.minutes(5))) struct SwarmEndTests {
    private func failure(_ body: () throws -> Void) -> ExitCode? {
        #expect(throws: NodeFailure.self) { try body() }?.code
    }

    @Test func anOwnerWithoutPeersEndsAfterItsTimeOut() throws {
        let bench = try Bench(byteCount: 1000)
        let owner = try bench.owner { $0.common.timeoutSeconds = 0.2 }
        #expect(failure { _ = try owner.report() } == .noProgress)
    }

    @Test func aPeerWithoutAnOwnerEndsAfterItsTimeOut() throws {
        let bench = try Bench(byteCount: 1000)
        let peer = try bench.peer("peer", of: try FreePort.take()) { $0.common.timeoutSeconds = 0.2 }
        #expect(failure { _ = try peer.report() } == .network)
        #expect(peer.node.report.text.hasPrefix("report: no owner was met, 0."))
    }

    @Test func anotherContentThanTheOneAskedForIsRefused() throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.owner()
        let peer = try bench.peer("peer", of: owner.port) { options in
            options.common.contentID = Digest(hex: String(repeating: "ab", count: 32))
        }
        #expect(failure { _ = try peer.report() } == .integrity)
        #expect(bench.output("peer") == nil)
        owner.interrupt.signal()
        #expect(failure { _ = try owner.report() } == .interrupted)
    }

    @Test func theContentAskedForIsTaken() throws {
        let bench = try Bench(byteCount: 300_000)
        let wanted = try ContentID.compute(path: bench.file, chunkByteCount: WireLimits.defaultChunkByteCount)
        let owner = try bench.owner { $0.peerCount = 1 }
        let peer = try bench.peer("peer", of: owner.port) { $0.common.contentID = wanted }
        #expect(try peer.report().contentID == wanted)
        _ = try owner.report()
    }

    @Test func anOutputThatExistsIsNeverTouched() throws {
        let bench = try Bench(byteCount: 1000)
        let there = try bench.scratch.write("there", [1, 2, 3])
        let owner = try bench.owner()
        let peer = try bench.peer("peer", of: owner.port) { $0.output = there }
        #expect(failure { _ = try peer.report() } == .outputExists)
        #expect(Scratch.read(there) == [1, 2, 3])
        owner.interrupt.signal()
        #expect(failure { _ = try owner.report() } == .interrupted)
    }

    @Test func aPortInUseIsANetworkFault() throws {
        let bench = try Bench(byteCount: 1000)
        let listener = try TestListener()
        let used = Endpoint(host: nil, port: listener.port)
        #expect(failure { _ = try bench.owner { $0.listen = used } } == .network)
        #expect(failure { _ = try bench.peer("peer", of: 1) { $0.listen = used } } == .network)
    }

    @Test func aPeerNamedAsTheOwnerIsToldApart() throws {
        let bench = try Bench(byteCount: 1000)
        let owner = try bench.owner()
        let first = try bench.peer("first", of: owner.port)
        try waitUntil { first.isComplete }
        let second = try bench.peer("second", of: first.port)
        #expect(failure { _ = try second.report() } == .protocolFault)
        for node in [owner.interrupt, first.interrupt] { node.signal() }
        #expect(failure { _ = try owner.report() } == .interrupted)
        // It has the whole file, verified: it was done.
        #expect(try first.report().contentID != nil)
    }

    @Test func peersFinishWithoutTheOwnerOnceTheChunksAreOut() throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.owner { $0.chunkByteCount = 10_000 }
        let first = try bench.peer("first", of: owner.port) { $0.common.lingerSeconds = 0.5 }
        try waitUntil { first.isComplete }
        owner.interrupt.signal()
        #expect(failure { _ = try owner.report() } == .interrupted)
        #expect(try first.report().bytesFromOwner == 300_000)
    }

    /// The owner's chunk files vanish while peers fetch: they end without it, none of them blames the protocol.
    @Test func chunksThatTheOwnerLosesEndItsRunAndNobodyElsesByFault() throws {
        let bench = try Bench(byteCount: 3_000_000)
        let owner = try bench.owner { $0.chunkByteCount = 1024 }
        try waitUntil { bench.said("owner").contains("chunks hashed") }
        try FileManager.default.removeItem(atPath: bench.folder("owner") + "/chunks")
        let peer = try bench.peer("peer", of: owner.port) { $0.common.timeoutSeconds = 1 }
        #expect(failure { _ = try owner.report() } == .fileFault)
        #expect([.noProgress, .sourcesLost].contains(failure { _ = try peer.report() }))
    }
}
