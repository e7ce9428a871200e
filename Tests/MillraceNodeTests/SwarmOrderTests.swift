import Foundation
import MillraceIO
import MillraceStore
import MillraceWire
import Testing

@testable import MillraceNode

/// Who starts when, and who names whom as its neighbour.
@Suite(.timeLimit(.minutes(5))) struct SwarmOrderTests {
    /// Chunks that the owner may send twice: none, but under a sanitizer, which makes nodes so slow that some are late.
    private static let lateChunkCount =
        ProcessInfo.processInfo.environment["MILLRACE_LATE_CHUNKS"].flatMap { Int($0) } ?? 0

    /// Runs an owner and peers that were given neighbours, by their numbers; -1 is nobody, 9 one that never comes.
    private func run(neighbours: [Int], ownerFirst: Bool = true) throws {
        let bench = try Bench(byteCount: 300_000)
        let ports = try (0...neighbours.count).map { _ in try FreePort.take() }
        let nobody = try FreePort.take()
        let start = {
            try bench.owner { options in
                options.listen = Endpoint(host: nil, port: ports[0])
                options.chunkByteCount = 10_000
                options.peerCount = neighbours.count
            }
        }
        var owner = ownerFirst ? try start() : nil
        var peers: [RunningPeer] = []
        for (index, neighbour) in neighbours.enumerated() {
            peers.append(
                try bench.peer("peer-\(index)", of: ports[0]) { options in
                    options.listen = Endpoint(host: nil, port: ports[index + 1])
                    guard neighbour >= 0 else { return }
                    options.neighbour = Endpoint(host: nil, port: neighbour == 9 ? nobody : ports[neighbour + 1])
                })
        }
        if owner == nil { owner = try start() }
        for peer in peers { _ = try peer.report() }
        let report = try #require(try owner?.report())
        #expect(report.egress <= 1 + Double(Self.lateChunkCount) / 30)
        for index in neighbours.indices { #expect(bench.output("peer-\(index)") == bench.bytes) }
    }

    @Test func neighboursGivenInARing() throws { try run(neighbours: [1, 2, 3, 4, 0]) }
    @Test func neighboursGivenInAChainThatEndsAtThePeerItself() throws { try run(neighbours: [1, 2, 2]) }
    @Test func aNeighbourThatNeverComes() throws { try run(neighbours: [9, 0]) }
    @Test func aSinglePeerWhoseNeighbourNeverComes() throws { try run(neighbours: [9]) }
    @Test func eachPeerItsOwnNeighbour() throws { try run(neighbours: [0, 1]) }
    @Test func allTheSameNeighbour() throws { try run(neighbours: [2, 2, -1, 2]) }
    @Test func peersBeforeTheirOwner() throws { try run(neighbours: [1, 2, 0], ownerFirst: false) }
    @Test func onePeerBeforeItsOwner() throws { try run(neighbours: [-1], ownerFirst: false) }

    @Test func peersThatKeepToTheRingGetTheFileToo() throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.owner { options in
            options.chunkByteCount = 10_000
            options.peerCount = 3
        }
        let peers = try (0..<3).map { try bench.peer("peer-\($0)", of: owner.port) { $0.ringOnly = true } }
        for peer in peers { _ = try peer.report() }
        _ = try owner.report()
        for index in 0..<3 { #expect(bench.output("peer-\(index)") == bench.bytes) }
    }

    @Test func aPeerThatComesWhenTheOthersAreDoneIsServedToo() throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.owner { options in
            options.chunkByteCount = 10_000
            options.peerCount = 2
        }
        let first = try bench.peer("first", of: owner.port)
        try waitUntil { bench.said("owner").contains("has the whole file") }
        let second = try bench.peer("second", of: owner.port)
        #expect(try second.report().bytesFromOwner == 0)
        _ = try first.report()
        #expect(try owner.report().egress == 1)
        #expect(bench.output("second") == bench.bytes)
    }

    @Test func withoutANumberTheOwnerLeavesAfterTheLingerTime() throws {
        let bench = try Bench(byteCount: 1000)
        let owner = try bench.owner { $0.common.lingerSeconds = 0.2 }
        let peer = try bench.peer("peer", of: owner.port)
        _ = try peer.report()
        #expect(try owner.report().members.count == 1)
    }

    @Test func aPeerLeavesAfterItsLingerTimeWhenTheOwnerWaitsForMore() throws {
        let bench = try Bench(byteCount: 1000)
        let owner = try bench.owner { $0.peerCount = 2 }
        _ = try bench.peer("peer", of: owner.port) { $0.common.lingerSeconds = 0.2 }.report()
        #expect(bench.output("peer") == bench.bytes)
        _ = try bench.peer("other", of: owner.port).report()
        _ = try owner.report()
    }
}

/// Looks again and again, with the shortest of pauses, until something is so.
func waitUntil(withinSeconds seconds: UInt64 = 30, _ condition: () throws -> Bool) throws {
    let deadline = MonotonicClock.nowNanoseconds + seconds * 1_000_000_000
    while try !condition() {
        guard MonotonicClock.nowNanoseconds < deadline else { throw TookTooLong() }
        _ = try WaitPoint.wait(
            socket: -1, forReading: false, forWriting: false, wake: nil,
            untilNanoseconds: MonotonicClock.nowNanoseconds + 2_000_000)
    }
}
