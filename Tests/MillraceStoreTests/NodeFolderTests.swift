import Foundation
import MillraceIO
import MillraceWire
import Testing

@testable import MillraceStore

@Suite struct NodeFolderTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path + "/node" }
    private var output: String { path + "/file" }

    @Test(arguments: StoreKind.allCases, [0, 1, 4096, 50_001])
    func aFileIsFinishedUnderItsNameAndServedOn(kind: StoreKind, byteCount: Int) throws {
        let sample = try Sample(byteCount: byteCount)
        let peer = try open(kind, sample)
        #expect(!peer.isAlreadyComplete && peer.candidates.isEmpty)
        #expect(peer.outputPath == output)
        try sample.write(0..<sample.layout.chunkCount, to: peer.store)
        #expect(contents(output) == nil)
        var done: UInt64 = 0
        try peer.finish(manifest: sample.manifest) { done = $0 }
        #expect(done == UInt64(byteCount))
        #expect(contents(output) == sample.bytes)
        #expect(contents(output + ".part") == nil)
        for chunk in 0..<sample.layout.chunkCount {
            #expect(try peer.store.payloadBytes(of: chunk) == sample.chunk(chunk))
        }
        let summary = try #require(SummaryFile.read(path + "/summary.txt"))
        #expect(summary.chunks.isFull && summary.contentID == sample.manifest.contentID)
    }

    @Test(arguments: StoreKind.allCases, StoreKind.allCases)
    func aFinishedFolderIsCompleteTheNextTime(first: StoreKind, second: StoreKind) throws {
        let sample = try Sample(byteCount: 9000)
        try finish(open(first, sample), sample)
        let peer = try open(second, sample)
        #expect(peer.isAlreadyComplete && peer.candidates.isFull)
        #expect(try peer.store.payloadBytes(of: 2) == sample.chunk(2))
        #expect(try peer.store.bytes(of: 1) == sample.chunk(1))
        try peer.finish(manifest: sample.manifest) { _ in }
        #expect(contents(output) == sample.bytes)
    }

    @Test func theFirstNameThatAFinishedFileKeptIsTakenAway() throws {
        let sample = try Sample(byteCount: 9000)
        try finish(open(.flat, sample), sample)
        try FileManager.default.linkItem(atPath: output, toPath: output + ".part")
        #expect(try open(.flat, sample).isAlreadyComplete)
        #expect(contents(output + ".part") == nil && contents(output) == sample.bytes)
        let other = try folder.file("node/file.part", [1, 2])
        #expect(try open(.flat, sample).isAlreadyComplete)
        #expect(contents(other) == [1, 2])
        try FileManager.default.removeItem(atPath: other)
        try FileManager.default.moveItem(atPath: output, toPath: other)
        try FileManager.default.createSymbolicLink(atPath: output, withDestinationPath: other)
        #expect(try open(.flat, sample).isAlreadyComplete)
        #expect(contents(other) == sample.bytes)
    }

    @Test(arguments: StoreKind.allCases)
    func aStoppedRunGoesOnWithWhatItHad(kind: StoreKind) throws {
        let sample = try Sample(byteCount: 1_000_000, chunkByteCount: 65_536)
        try sample.write(2..<5, to: open(kind, sample).store)
        try FileManager.default.removeItem(atPath: path + "/summary.txt")
        let peer = try open(kind, sample)
        #expect(peer.candidates.runs == [2..<5])
        try sample.write(0..<16, to: peer.store)
        try peer.finish(manifest: sample.manifest) { _ in }
        #expect(contents(output) == sample.bytes)
    }

    /// Of chunks 3 and 4 nothing was written, as on a file system that keeps zeros as holes.
    @Test func whatTheSummaryListsIsVerifiedWhereTheFileHasHoles() throws {
        let sample = try Sample(byteCount: 1_000_000, chunkByteCount: 65_536)
        do {
            let peer = try open(.flat, sample)
            try sample.write(2..<3, to: peer.store)
            try peer.summary.append([2..<5])
        }
        #expect(try open(.flat, sample).candidates.runs == [2..<5])
        try FileManager.default.removeItem(atPath: output + ".part")
        #expect(try open(.flat, sample).candidates.isEmpty)
    }

    /// In its chunk file and in its place in the growing file: either alone would do.
    @Test func aChunkThatChangedOnDiskIsFoundWhileFinishing() throws {
        let sample = try Sample(byteCount: 9000)
        try sample.write(0..<3, to: open(.chunks, sample).store)
        let part = try System.open(output + ".part", .readWrite)
        try [sample.bytes[5000] ^ 1].withUnsafeBytes { try System.write(part.rawValue, at: 5000, $0) }
        let peer = try open(.chunks, sample)
        let file = URL(fileURLWithPath: "\(path)/chunks/000000/000000001.chunk")
        var wrong = sample.chunk(1)
        wrong[5] ^= 1
        try Data(wrong).write(to: file)
        let error = #expect(throws: StoreError.self) { try peer.finish(manifest: sample.manifest) { _ in } }
        guard case .notVerified(1) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(contents(output) == nil)
        try sample.write(1..<2, to: peer.store)
        try peer.finish(manifest: sample.manifest) { _ in }
        #expect(contents(output) == sample.bytes)
    }

    @Test func anOutputThatExistsIsNeverTouched() throws {
        let sample = try Sample(byteCount: 9000)
        let other = try folder.file("other", [1, 2])
        #expect(isOutputExists(throwing: { _ = try open(.flat, sample, output: other) }))
        let late = folder.path + "/late"
        let peer = try open(.flat, sample, output: late)
        try sample.write(0..<3, to: peer.store)
        _ = try folder.file("late", [1])
        #expect(isOutputExists(throwing: { try peer.finish(manifest: sample.manifest) { _ in } }))
        #expect(contents(late) == [1])
        #expect(contents(other) == [1, 2])
    }

    /// Two folders, so no folder's lock keeps one from the other's file.
    @Test(arguments: StoreKind.allCases) func anOutputThatAnotherNodeWritesIsRefused(kind: StoreKind) throws {
        let sample = try Sample(byteCount: 9000)
        let shared = folder.path + "/shared"
        let peer = try open(kind, sample, output: shared)
        try sample.write(0..<3, to: peer.store)
        let error = #expect(throws: StoreError.self) { _ = try open(kind, sample, output: shared, in: "/other") }
        guard case .outputInUse(shared + ".part") = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        try peer.finish(manifest: sample.manifest) { _ in }
        #expect(contents(shared) == sample.bytes)
    }

    @Test(arguments: StoreKind.allCases) func anUnfinishedFileOfAnotherProgramIsNotTouched(kind: StoreKind) throws {
        let sample = try Sample(byteCount: 9000)
        for bytes in [[UInt8](repeating: 1, count: 8999), [1], sample.bytes + [0]] {
            let part = try folder.file("late.part", bytes)
            let error = #expect(throws: StoreError.self) {
                _ = try open(kind, sample, output: folder.path + "/late")
            }
            guard case .foreignPart(part) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(contents(part) == bytes)
        }
    }

    @Test(arguments: StoreKind.allCases) func whatLostItsNameMeanwhileIsNotPublished(kind: StoreKind) throws {
        let sample = try Sample(byteCount: 9000)
        let peer = try open(kind, sample)
        try sample.write(0..<3, to: peer.store)
        try FileManager.default.removeItem(atPath: output + ".part")
        try Data(repeating: 1, count: 9000).write(to: URL(fileURLWithPath: output + ".part"))
        let error = #expect(throws: StoreError.self) { try peer.finish(manifest: sample.manifest) { _ in } }
        guard case .partReplaced = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(contents(output) == nil)
    }

    @Test func aFolderInUseOrOfAnotherFileIsRefused() throws {
        let sample = try Sample(byteCount: 9000)
        let peer = try open(.chunks, sample)
        #expect(isForeign(throwing: { _ = try open(.chunks, sample) }))
        withExtendedLifetime(peer) {}
        let other = try Sample(byteCount: 9001)
        #expect(isForeign(throwing: { _ = try open(.chunks, other) }))
    }

    @Test(arguments: StoreKind.allCases) func aFileThatCanNotFitIsRefusedAtOnce(kind: StoreKind) throws {
        let layout = try ChunkLayout(fileByteCount: 1 << 47, chunkByteCount: 1 << 24)
        let error = #expect(throws: StoreError.self) {
            _ = try PeerFolder.open(path: path, kind: kind, name: "file", layout: layout, output: nil)
        }
        guard case .noSpace(_, let neededByteCount, let freeByteCount?, let flatNeedsLess) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(flatNeedsLess == (kind == .chunks) && "\(error!)".contains("--store flat") == flatNeedsLess)
        #expect(neededByteCount > freeByteCount && neededByteCount <= 2 << 47)
        #expect("\(error!)".contains("\(neededByteCount) bytes are needed and \(freeByteCount) are there"))
        #expect(contents(output + ".part") == nil)
    }

    /// The longest name, and one that the node's own files have, go where their user says.
    @Test func anAwkwardNameIsFinishedWithAnOutput() throws {
        let sample = try Sample(byteCount: 9000)
        for name in ["summary.txt", String(repeating: "x", count: 255)] {
            let output = folder.path + "/out-\(name.utf8.count)"
            let peer = try PeerFolder.open(
                path: folder.path + "/\(name.utf8.count)", kind: .chunks, name: name, layout: sample.layout,
                output: output)
            try finish(peer, sample)
            #expect(contents(output) == sample.bytes)
        }
    }

    @Test(arguments: StoreKind.allCases) func everyNameOfTheNodesOwnIsKept(kind: StoreKind) throws {
        let sample = try Sample(byteCount: 9000)
        try finish(open(kind, sample), sample)
        _ = try NodeIdentity.token(in: FolderLock(path: path))
        #expect(names(path).allSatisfy { $0 == "file" || NodeFolder.ownNames.contains($0) })
    }

    @Test func aNameFromTheNetworkNeverLeavesTheFolder() throws {
        let layout = try Sample(byteCount: 10).layout
        #expect(throws: StoreError.self) {
            _ = try PeerFolder.open(path: path, kind: .flat, name: "../file", layout: layout, output: nil)
        }
        #expect(contents(folder.path + "/file.part") == nil)
    }

    @Test(arguments: StoreKind.allCases) func anOwnerServesItsChunks(kind: StoreKind) throws {
        let sample = try Sample(byteCount: 30_000)
        let file = try OfferedFile(path: folder.file("offered", sample.bytes))
        let owner = try OwnerFolder.open(path: path, kind: kind, file: file, layout: sample.layout)
        #expect(owner.candidates.isEmpty == (kind == .chunks))
        for chunk in 0..<sample.layout.chunkCount {
            var scratch = [UInt8](repeating: 0, count: Int(sample.layout.chunkByteCount))
            try scratch.withUnsafeMutableBytes { scratch in
                try sample.chunk(chunk).withUnsafeBytes { try owner.add(chunk, $0, comparingIn: scratch) }
            }
            #expect(try owner.store.payloadBytes(of: chunk) == sample.chunk(chunk))
        }
        #expect(names(path).contains("chunks") == (kind == .chunks))
    }

    /// What is free was never looked at: inodes or quota may be what lacks.
    @Test func aFailedWriteTellsNoFiguresThatNobodyMeasured() {
        let full = SystemError(call: "pwrite", errno: ENOSPC, subject: "/x")
        let error = #expect(throws: StoreError.self) {
            try storing(at: "/x", neededByteCount: 1024) { () throws(SystemError) in throw full }
        }
        let text = "\(error!)"
        #expect(text.contains("no space at /x: 1024 bytes could not be written (no space, quota or inodes left)"))
        #expect(!text.contains("are there") && !text.contains("--store"))
    }

    @Test func errorsSayWhatToDo() {
        let errors: [StoreError] = [
            .noSpace(path: "/x", neededByteCount: 5), .outputExists("/x"), .badName("a\nb"), .sourceChanged("/x"),
            .foreignFolder(path: "/x", holds: "y"), .sourceNotAFile("/x"), .notVerified(4),
            .system(SystemError(call: "open", errno: ENOENT, subject: "/x")), .outputInUse("/x"), .foreignPart("/x"),
            .partReplaced("/x"), .badSourceName("a\nb"), .tooManyChunks(path: "/x", chunkByteCount: 1024),
        ]
        for error in errors { #expect(!error.description.isEmpty && !error.description.contains("\n")) }
    }

    private func open(
        _ kind: StoreKind, _ sample: Sample, output: String? = nil, in place: String = "/node"
    ) throws -> PeerFolder {
        try PeerFolder.open(
            path: folder.path + place, kind: kind, name: "file", layout: sample.layout, output: output)
    }

    private func finish(_ peer: PeerFolder, _ sample: Sample) throws {
        try sample.write(0..<sample.layout.chunkCount, to: peer.store)
        try peer.finish(manifest: sample.manifest) { _ in }
    }

    private func isOutputExists(throwing body: () throws -> Void) -> Bool {
        let error = #expect(throws: StoreError.self) { try body() }
        if case .outputExists = error { return true }
        return false
    }

    private func isForeign(throwing body: () throws -> Void) -> Bool {
        let error = #expect(throws: StoreError.self) { try body() }
        if case .foreignFolder = error { return true }
        return false
    }
}
