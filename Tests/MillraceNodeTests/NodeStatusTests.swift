import Foundation
import MillraceIO
import MillraceSwarm
import MillraceWire
import Testing

@testable import MillraceNode

/// A node that is asked how it does, while it runs.
@Suite(.timeLimit(.minutes(5))) struct NodeStatusTests {
    @Test(arguments: StoreKind.allCases) func aSwarmTellsOfItself(kind: StoreKind) throws {
        let bench = try Bench(byteCount: 1_000_000)
        let owner = try bench.owner {
            $0.peerCount = 2
            $0.common.storeKind = kind
        }
        let first = try bench.peer("first", of: owner.port) {
            $0.common.storeKind = kind
            $0.common.lingerSeconds = 60
        }
        try until { first.node.status.phase == .complete }
        let status = first.node.status
        #expect(status.role == .peer && status.peer == 0 && status.hasOwner && status.failure == nil)
        #expect(status.isWhole && status.heldByteCount == 1_000_000)
        #expect(status.file?.name == "file.bin")
        #expect(status.traffic.fromOwner == 1_000_000)
        try until { owner.node.status.members.first?.state == .complete }
        let seen = owner.node.status
        #expect(seen.role == .owner && seen.phase == .serving && seen.isWhole)
        #expect(seen.file?.contentID != nil && seen.file?.contentID == status.file?.contentID)
        #expect(seen.members.map(\.peer) == [0])
        #expect(seen.members.first?.held?.isFull == true)
        #expect(seen.members.first?.address.hasSuffix(":\(first.port)") == true)
        #expect(seen.traffic.sent == 1_000_000)
        for node in [first.node, owner.node] as [any ObservableNode] {
            guard case .file(let file) = node.fileAccess else {
                Issue.record("there is a file")
                continue
            }
            #expect(file.isWhole && file.modificationSeconds != nil && file.contentID != nil)
            #expect(try bytes(of: file, from: 150_000, count: 500_000) == Array(bench.bytes[150_000..<650_000]))
        }
        let second = try bench.peer("second", of: owner.port) { $0.common.storeKind = kind }
        _ = try second.report()
        _ = try first.report()
        _ = try owner.report()
        #expect(owner.node.status.phase == .leaving)
    }

    private func bytes(of file: ServedFile, from start: UInt64, count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let piece = file.piece(at: start + UInt64(bytes.count), atMost: UInt64(count - bytes.count))
            var part = [UInt8](repeating: 0, count: piece.byteCount)
            switch piece.place {
            case .descriptor(let descriptor):
                let got = try part.withUnsafeMutableBytes { try System.read(descriptor, at: piece.offset, into: $0) }
                try #require(got == piece.byteCount)
            case .path(let path):
                let all = try #require(Scratch.read(path))
                part = Array(all[Int(piece.offset)..<(Int(piece.offset) + piece.byteCount)])
            }
            bytes += part
        }
        return bytes
    }

    @Test func whoHasLeftIsStillToldOf() throws {
        let bench = try Bench(byteCount: 100_000)
        let owner = try bench.owner { $0.common.lingerSeconds = 60 }
        let peer = try bench.peer("peer", of: owner.port) { $0.common.lingerSeconds = 60 }
        try until { owner.node.status.members.first?.state == .complete }
        #expect(owner.node.status.members.first?.isPresent == true)
        peer.interrupt.signal()
        _ = try? peer.report()
        try until { owner.node.status.members.first?.isPresent == false }
        let member = try #require(owner.node.status.members.first)
        #expect(member.state == .complete && member.held == nil && member.sources.isEmpty)
        #expect(owner.node.status.clientCount == 0)
        owner.interrupt.signal()
        _ = try? owner.report()
    }

    @Test func aPeerThatWaitsForItsOwnerSaysSo() throws {
        let bench = try Bench(byteCount: 10)
        let peer = try bench.peer("peer", of: try FreePort.take())
        let status = peer.node.status
        #expect(status.phase == .waiting && status.file == nil && status.peer == nil && !status.hasOwner)
        guard case .unknown = peer.node.fileAccess else {
            Issue.record("nobody has said what the file is")
            return
        }
        peer.interrupt.signal()
        _ = try? peer.report()
    }

    /// A finished file that somebody writes to is vouched for no more.
    @Test func aFileThatWasChangedIsNotServed() throws {
        let bench = try Bench(byteCount: 100_000)
        let owner = try bench.owner { $0.common.lingerSeconds = 60 }
        let peer = try bench.peer("peer", of: owner.port) { $0.common.lingerSeconds = 60 }
        try until { peer.node.status.phase == .complete }
        guard case .file = peer.node.fileAccess, case .file = owner.node.fileAccess else {
            Issue.record("both serve the file at first")
            return
        }
        for path in [bench.file, bench.path + "/peer/file.bin"] {
            let handle = try #require(FileHandle(forWritingAtPath: path))
            try handle.write(contentsOf: Data([1, 2, 3]))
            try handle.close()
            let past = [FileAttributeKey.modificationDate: Date(timeIntervalSince1970: 5)]
            try FileManager.default.setAttributes(past, ofItemAtPath: path)
        }
        for node in [peer.node, owner.node] as [any ObservableNode] {
            guard case .changed = node.fileAccess else {
                Issue.record("a changed file is served")
                continue
            }
        }
        peer.interrupt.signal()
        owner.interrupt.signal()
        _ = try? peer.report()
        _ = try? owner.report()
    }

    private func until(_ condition: () -> Bool) throws {
        let never = DispatchSemaphore(value: 0)
        let deadline = DispatchTime.now() + 30
        while !condition() {
            guard DispatchTime.now() < deadline else { throw TookTooLong() }
            _ = never.wait(timeout: .now() + 0.002)
        }
    }
}

struct SlowOnesTests {
    private func source(_ peer: PeerIndex, chunks: Int, mean: Double, late: Int = 0) -> NodeStatus.Source {
        NodeStatus.Source(
            peer: peer, isConnected: true, bytes: 0, chunkCount: chunks, lateCount: late, outstandingCount: 0,
            waitedSeconds: mean * Double(chunks), longestSeconds: mean)
    }

    private func member(_ peer: PeerIndex, held: Int, seconds: Double, strikes: Int = 0) -> NodeStatus.Member {
        var set = ChunkSet(chunkCount: 1000)
        set.insert(0..<ChunkID(held))
        return NodeStatus.Member(
            peer: peer, address: "", state: held == 1000 ? .complete : .fetching, held: set, sources: [],
            seconds: seconds, strikeCount: strikes)
    }

    @Test func aSourceIsSlowAgainstTheOthers() {
        let marked = SlowOnes.mark([
            source(0, chunks: 10, mean: 0.1), source(1, chunks: 10, mean: 0.12), source(2, chunks: 10, mean: 0.5),
            source(3, chunks: 30, mean: 0.1, late: 2), source(4, chunks: 30, mean: 0.1, late: 3),
            source(5, chunks: 0, mean: 0, late: 1), source(6, chunks: 0, mean: 0),
        ])
        #expect(marked.map(\.isSlow) == [false, false, true, false, true, true, false])
    }

    @Test func oneAloneIsNotSlow() {
        #expect(SlowOnes.mark([source(0, chunks: 10, mean: 9)]).map(\.isSlow) == [false])
        #expect(SlowOnes.mark([member(0, held: 1, seconds: 100)]).map(\.isSlow) == [false])
    }

    @Test func aMemberIsSlowAgainstTheOthersSinceItCame() {
        let marked = SlowOnes.mark([
            member(0, held: 500, seconds: 10), member(1, held: 200, seconds: 10), member(2, held: 150, seconds: 3),
            member(3, held: 1000, seconds: 20), member(4, held: 0, seconds: 1),
            member(5, held: 500, seconds: 10, strikes: 2),
        ])
        #expect(marked.map(\.isSlow) == [false, true, false, false, false, true])
    }
}

struct PolicyViewTests {
    @Test func aMemberThatHasGoneHoldsNothing() throws {
        let layout = try ChunkLayout(fileByteCount: 100_000, chunkByteCount: 1024)
        var policy = OwnerPolicy(layout: layout)
        let address = PeerAddress(host: .v4(1), port: 1)
        let peer = try #require(policy.join(address: address)?.peer)
        policy.holds(peer, 3..<7)
        #expect(policy.held(by: peer)?.runs == [3..<7])
        policy.left(peer)
        #expect(policy.held(by: peer) == nil && policy.held(by: 99) == nil)
        #expect(policy.strikeCount(of: 99) == 0)
    }
}
