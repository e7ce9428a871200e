import Foundation
import MillraceIO
import MillraceStore
import MillraceWire
import Testing

@testable import MillraceNode

/// Runs that begin where earlier ones ended.
@Suite(.timeLimit(.minutes(5))) struct ResumeTests {
    private static let stores = [SwarmCase(store: .chunks), SwarmCase(store: .flat)]
    private static let layoutOfBench = (byteCount: 600_000, chunkByteCount: UInt32(10_000))

    private func owner(_ bench: Bench, port: UInt16 = 0, _ store: StoreKind, peers: Int? = 1) throws -> RunningOwner {
        try bench.waitUntilLeft("owner")
        try bench.waitUntilLeft("peer")
        return try bench.owner { options in
            options.listen = Endpoint(host: nil, port: port)
            options.chunkByteCount = Self.layoutOfBench.chunkByteCount
            options.peerCount = peers
            options.common.storeKind = store
        }
    }

    private func runOnce(_ bench: Bench, _ store: StoreKind) throws {
        let owner = try owner(bench, store)
        _ = try bench.peer("peer", of: owner.port) { $0.common.storeKind = store }.report()
        _ = try owner.report()
    }

    /// An owner that is interrupted once the peers have the file.
    private func runFirstOwner(_ bench: Bench, port: UInt16, _ names: [String], peers: Int) throws -> [RunningPeer] {
        let owner = try owner(bench, port: port, .flat, peers: peers)
        let running = try names.map { try bench.peer($0, of: port) }
        try waitUntil { running.allSatisfy(\.isComplete) }
        owner.interrupt.signal()
        #expect(throws: NodeFailure.self) { try owner.report() }
        return running
    }

    /// A peer's folder as a killed run leaves it: the output is not there, some chunks are, one of them is damaged.
    private func halfDone(_ bench: Bench, _ store: StoreKind) throws {
        try runOnce(bench, store)
        let output = bench.folder("peer") + "/file.bin"
        switch store {
        case .flat:
            try FileManager.default.moveItem(atPath: output, toPath: output + ".part")
            try damage(output + ".part", at: 70_001)
        case .chunks:
            try FileManager.default.removeItem(atPath: output)
            let folder = bench.folder("peer") + "/chunks/000000/"
            try damage(folder + "000000007.chunk", at: 1)
            for chunk in 30..<60 { try FileManager.default.removeItem(atPath: folder + "0000000\(chunk).chunk") }
        }
    }

    private func damage(_ path: String, at offset: UInt64) throws {
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        defer { try? file.close() }
        try file.seek(toOffset: offset)
        let byte = try #require(try file.read(upToCount: 1)?.first)
        try file.seek(toOffset: offset)
        try file.write(contentsOf: [~byte])
    }

    @Test(arguments: stores)
    func whatIsThereAndRightIsKeptAndTheRestIsFetched(swarm: SwarmCase) throws {
        let store = swarm.store
        let bench = try Bench(byteCount: Self.layoutOfBench.byteCount)
        try halfDone(bench, store)
        let second = try owner(bench, store)
        let report = try bench.peer("peer", of: second.port) { $0.common.storeKind = store }.report()
        _ = try second.report()
        #expect(bench.output("peer") == bench.bytes)
        let missing: UInt64 = store == .chunks ? 310_000 : 10_000
        #expect(report.bytesFromOwner == missing)
        #expect(report.bytesFromDisk == UInt64(Self.layoutOfBench.byteCount) - missing)
    }

    @Test(arguments: stores)
    func aFinishedPeerThatStartsAgainServesWhatItHas(swarm: SwarmCase) throws {
        let store = swarm.store
        let bench = try Bench(byteCount: Self.layoutOfBench.byteCount)
        try runOnce(bench, store)
        let second = try owner(bench, store, peers: 2)
        let again = try bench.peer("peer", of: second.port) { $0.common.storeKind = store }
        try waitUntil { again.node.state.withLock { $0.phase == .complete } }
        let other = try bench.peer("other", of: second.port) { $0.common.storeKind = store }
        #expect(try other.report().bytesFromOwner == 0)
        #expect(try again.report().bytesFromDisk == UInt64(Self.layoutOfBench.byteCount))
        #expect(try second.report().sentByteCount == 0)
        #expect(bench.output("other") == bench.bytes)
    }

    @Test func anOwnerThatStartsAnewIsFoundAgain() throws {
        let bench = try Bench(byteCount: Self.layoutOfBench.byteCount)
        let port = try FreePort.take()
        let peers = try runFirstOwner(bench, port: port, ["peer-0", "peer-1"], peers: 3)
        let second = try owner(bench, port: port, .flat, peers: 3)
        try waitUntil { bench.said("owner").components(separatedBy: " joins, ").count == 5 }
        let late = try bench.peer("late", of: port)
        #expect(try late.report().bytesFromOwner == 0)
        for peer in peers { _ = try peer.report() }
        #expect(try second.report().sentByteCount == 0)
        #expect(bench.output("late") == bench.bytes)
    }

    /// A finished file that its user has changed since is neither served nor repaired.
    @Test(arguments: stores) func aFinishedFileThatHasChangedIsLeftAlone(swarm: SwarmCase) throws {
        let bench = try Bench(byteCount: Self.layoutOfBench.byteCount)
        try runOnce(bench, swarm.store)
        try damage(bench.folder("peer") + "/file.bin", at: 70_001)
        let changed = bench.output("peer")
        let second = try owner(bench, swarm.store)
        let peer = try bench.peer("peer", of: second.port) { $0.common.storeKind = swarm.store }
        let failure = #expect(throws: NodeFailure.self) { try peer.report() }
        #expect(failure?.code == .outputExists)
        #expect(bench.output("peer") == changed && changed != bench.bytes)
        second.interrupt.signal()
        #expect(throws: NodeFailure.self) { try second.report() }
    }

    /// The finished file of an earlier run is of the version before, which has the same size.
    @Test(arguments: stores) func anotherVersionOfAFinishedFileIsToldAsSuch(swarm: SwarmCase) throws {
        let bench = try Bench(byteCount: Self.layoutOfBench.byteCount)
        try runOnce(bench, swarm.store)
        _ = try bench.scratch.write("file.bin", someBytes(Self.layoutOfBench.byteCount, seed: 2))
        try FileManager.default.removeItem(atPath: bench.folder("owner"))
        let second = try owner(bench, swarm.store)
        let peer = try bench.peer("peer", of: second.port) { $0.common.storeKind = swarm.store }
        let failure = #expect(throws: NodeFailure.self) { try peer.report() }
        #expect(failure?.code == .outputExists)
        #expect(failure?.text.contains("or the owner has another version now; move it away") == true)
        #expect(bench.output("peer") == bench.bytes)
        second.interrupt.signal()
        #expect(throws: NodeFailure.self) { try second.report() }
    }

    /// A peer that wants another content than its owner has.
    private func refuse(_ bench: Bench, _ store: StoreKind) throws {
        let owner = try ScriptedOwner()
        let peer = try bench.peer("peer", of: owner.port) { options in
            (options.common.storeKind, options.common.contentID) = (store, owner.manifest.digest(of: 0))
        }
        let (link, _) = try owner.meet()
        try link.send(
            owner.welcome, .digests(first: 0, owner.manifest.digests), .manifestEnd(contentID: owner.contentID))
        let failure = #expect(throws: NodeFailure.self) { try peer.report() }
        #expect(failure?.code == .integrity)
        link.close()
    }

    /// The owner is given the right file next, which has another size.
    @Test(arguments: stores) func ofAFileThatIsRefusedBeforeAChunkCameNothingIsKept(swarm: SwarmCase) throws {
        let bench = try Bench(byteCount: Self.layoutOfBench.byteCount)
        try refuse(bench, swarm.store)
        try runOnce(bench, swarm.store)
        #expect(bench.output("peer") == bench.bytes)
    }

    /// A peer that is started again as another process counts once, and its folder says who it is.
    @Test func aPeerThatIsStartedAgainIsTheSamePeer() throws {
        let bench = try Bench(byteCount: Self.layoutOfBench.byteCount)
        let owner = try owner(bench, .flat, peers: 2)
        for run in 1...2 {
            try bench.waitUntilLeft("peer")
            let peer = try bench.peer("peer", of: owner.port)
            try waitUntil { owner.node.state.withLock { $0.members.count { $0.completed != nil } } == run }
            peer.interrupt.signal()
            _ = try peer.report()
        }
        let (tokens, count) = owner.node.state.withLock { (Set($0.members.map(\.node)), $0.completedCount) }
        #expect(tokens.count == 1 && count == 1)
        _ = try bench.peer("other", of: owner.port).report()
        _ = try owner.report()
    }

    /// Somebody else goes by the peer's token, as the copy of its folder on a cloned machine may: both are served.
    @Test func aPeerWhoseTokenIsTakenTakesAnother() throws {
        let bench = try Bench(byteCount: 1_000_000)
        let owner = try bench.owner { ($0.chunkByteCount, $0.peerCount) = (1024, 1) }
        let peer = try bench.peer("peer", of: owner.port)
        try waitUntil { owner.node.state.withLock { !$0.members.isEmpty } }
        let before = peer.node.token
        let link = try TestLink(port: owner.port)
        try link.send(.hello(HelloMessage(role: .peer, swarm: .unknown, node: before)))
        try link.send(.join(JoinMessage(listenPort: 9)))
        guard try link.next(.welcome) != nil else { throw TookTooLong() }
        try waitUntil { peer.node.token != before || peer.isOver }
        link.close()
        #expect(try peer.report().contentID != nil)
        _ = try owner.report()
        #expect(bench.output("peer") == bench.bytes)
    }

    /// A peer that has the file has what it was started for.
    @Test func anOwnerThatComesBackWithOtherBytesCostsACompletePeerNothing() throws {
        let bench = try Bench(byteCount: Self.layoutOfBench.byteCount)
        let port = try FreePort.take()
        let peer = try runFirstOwner(bench, port: port, ["late"], peers: 2)[0]
        _ = try bench.scratch.write("file.bin", someBytes(Self.layoutOfBench.byteCount, seed: 2))
        try bench.waitUntilLeft("owner")
        try FileManager.default.removeItem(atPath: bench.folder("owner"))
        let second = try owner(bench, port: port, .flat, peers: 2)
        #expect(try peer.report().isComplete)
        #expect(bench.output("late") == bench.bytes)
        second.interrupt.signal()
        #expect(throws: NodeFailure.self) { try second.report() }
    }
}
