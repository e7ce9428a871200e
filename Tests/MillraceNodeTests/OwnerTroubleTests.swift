import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// What a peer says of an owner that is none for it.
@Suite(.timeLimit(.minutes(5))) struct OwnerTroubleTests {
    @Test func anOwnerOfALaterVersionIsAProtocolFaultThatNamesTheVersions() throws {
        let bench = try Bench(byteCount: 1)
        let listener = try TestListener()
        let peer = try bench.peer("peer", of: listener.port)
        let link = try #require(try listener.accept())
        try link.send(
            .hello(
                HelloMessage(role: .owner, swarm: Sample.swarm, node: Sample.other, versionLow: 2, versionHigh: 3)))
        let failure = #expect(throws: NodeFailure.self) { try peer.report() }
        #expect(failure?.code == .protocolFault)
        #expect(failure?.text.contains("speaks versions 2 to 3 of the protocol, this program 1 to 1") == true)
        #expect(failure?.text.contains("install the same release") == true)
    }

    @Test func aReportNamesThePeersThatAreGoneAndHowFarTheyCame() throws {
        let bench = try Bench(byteCount: 2500)
        let owner = try bench.owner { $0.chunkByteCount = 1024 }
        let link = try TestLink(port: owner.port)
        try link.send(
            .hello(HelloMessage(role: .peer, swarm: .unknown, node: Sample.other)), .join(JoinMessage(listenPort: 9)),
            .list([0]), .credit(count: 1))
        #expect(try link.next(.manifestEnd) != nil)
        link.close()
        try waitUntil { owner.node.report.members.first?.outcome == .gone }
        let member = try #require(owner.node.report.members.first)
        #expect(member.heldChunkCount == 0 && member.reason != nil && !member.isComplete)
        #expect(owner.node.report.text.contains("gone after") && owner.node.report.text.contains("with 0 of 3 chunks"))
        owner.interrupt.signal()
    }

    @Test func theSlowestSourceHasItsCost() {
        func source(_ peer: PeerIndex, _ mean: Double, late: Int, chunks: Int) -> PeerReport.Source {
            PeerReport.Source(
                peer: peer, bytes: 0, meanSeconds: mean, longestSeconds: mean, lateCount: late, chunkCount: chunks)
        }
        let sources = [
            source(1, 0.1, late: 0, chunks: 10), source(2, 0.5, late: 2, chunks: 4),
            source(3, 0.3, late: 0, chunks: 10),
        ]
        #expect(PeerReport.slowest(of: sources)?.peer == 2)
        let cost = PeerReport.extraSeconds(of: sources[1], among: sources)
        #expect(abs((cost ?? 0) - 1.2) < 1e-9)
        #expect(PeerReport.extraSeconds(of: sources[1], among: [sources[1]]) == nil)
        #expect(PeerReport.slowest(of: [sources[0]]) == nil)
    }
}
