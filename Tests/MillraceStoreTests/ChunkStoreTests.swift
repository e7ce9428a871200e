import Foundation
import MillraceIO
import MillraceWire
import Testing

@testable import MillraceStore

@Suite struct ChunkStoreTests {
    private let folder = TemporaryFolder()

    @Test(arguments: StoreKind.allCases, [1, 4096, 4097, 50_000])
    func whatIsWrittenIsReadAndSent(kind: StoreKind, byteCount: Int) throws {
        let sample = try Sample(byteCount: byteCount)
        let store = try makeStore(kind, sample.layout)
        try sample.write(0..<sample.layout.chunkCount, to: store)
        for chunk in 0..<sample.layout.chunkCount {
            #expect(try store.bytes(of: chunk) == sample.chunk(chunk))
            #expect(try store.payloadBytes(of: chunk) == sample.chunk(chunk))
        }
    }

    @Test(arguments: [true, false]) func aChunkFileAppearsWholeAndAlone(canBeUnnamed: Bool) throws {
        let sample = try Sample(byteCount: 10_000)
        let store = try ChunkFolderStore(folder: folder.path, layout: sample.layout, canBeUnnamed: canBeUnnamed)
        try sample.write(0..<3, to: store)
        try sample.write(1..<2, to: store)
        #expect(names(folder.path + "/chunks") == ["000000"])
        #expect(
            names(folder.path + "/chunks/000000") == ["000000000.chunk", "000000001.chunk", "000000002.chunk"])
        #expect(contents(folder.path + "/chunks/000000/000000002.chunk") == sample.chunk(2))
    }

    @Test func aNumberedFolderHoldsAThousandFiles() throws {
        let sample = try Sample(byteCount: 3_000_000, chunkByteCount: 1024)
        let store = try ChunkFolderStore(folder: folder.path, layout: sample.layout)
        try sample.write(999..<1001, to: store)
        try sample.write(2929..<2930, to: store)
        #expect(names(folder.path + "/chunks") == ["000000", "000001", "000002"])
        #expect(names(folder.path + "/chunks/000001") == ["000001000.chunk"])
        #expect(names(folder.path + "/chunks/000002") == ["000002929.chunk"])
    }

    @Test func filesOfTheRightLengthAreCandidates() throws {
        let sample = try Sample(byteCount: 20_000)
        let store = try ChunkFolderStore(folder: folder.path, layout: sample.layout)
        try sample.write(0..<5, to: store)
        let chunks = folder.path + "/chunks/000000/"
        try Data([1, 2]).write(to: URL(fileURLWithPath: chunks + "000000001.chunk"))
        try Data(sample.chunk(0)).write(to: URL(fileURLWithPath: chunks + "000000003.chunk.7.unfinished"))
        try Data(sample.chunk(0)).write(to: URL(fileURLWithPath: chunks + "3.chunk"))
        try Data(sample.chunk(0)).write(to: URL(fileURLWithPath: chunks + "000000099.chunk"))
        try FileManager.default.createDirectory(
            atPath: folder.path + "/chunks/000001", withIntermediateDirectories: true)
        try Data(sample.chunk(2)).write(to: URL(fileURLWithPath: folder.path + "/chunks/000001/000000002.chunk"))
        try FileManager.default.removeItem(atPath: chunks + "000000002.chunk")
        #expect(try store.candidates().runs == [0..<1, 3..<5])
        #expect(!names(chunks).contains { $0.hasSuffix(".unfinished") })
    }

    @Test func flatCandidatesAreWhereDataIs() throws {
        let sample = try Sample(byteCount: 1_000_000, chunkByteCount: 65_536)
        do {
            let store = try FlatFileStore(path: folder.path + "/f.part", layout: sample.layout)
            try sample.write(3..<6, to: store)
            try sample.write(15..<16, to: store)
        }
        let again = try FlatFileStore(path: folder.path + "/f.part", layout: sample.layout)
        #expect(try again.candidates().runs == [3..<6, 15..<16])
        #expect(try again.bytes(of: 4) == sample.chunk(4))
    }

    @Test func ownersChunkFilesAreTheFile() throws {
        let sample = try Sample(byteCount: 30_001)
        let file = try OfferedFile(path: folder.file("offered", sample.bytes))
        let store = try ChunkFolderStore(folder: folder.path, layout: sample.layout)
        for chunk in 0..<sample.layout.chunkCount {
            try sample.chunk(chunk).withUnsafeBytes { try store.split(from: file, chunk: chunk, bytes: $0) }
        }
        for chunk in 0..<sample.layout.chunkCount {
            #expect(try store.bytes(of: chunk) == sample.chunk(chunk))
        }
    }

    @Test func theOfferedFileServesItself() throws {
        let sample = try Sample(byteCount: 10_000)
        let file = try OfferedFile(path: folder.file("offered", sample.bytes))
        #expect(file.name == "offered" && file.byteCount == 10_000)
        let store = OfferedFileStore(file, layout: sample.layout)
        #expect(try store.payloadBytes(of: 2) == sample.chunk(2))
        #expect(try store.bytes(of: 1) == sample.chunk(1))
    }

    @Test func aChangedSourceIsNoticed() throws {
        let path = try folder.file("offered", [1, 2, 3])
        let file = try OfferedFile(path: path)
        try file.checkUnchanged()
        var buffer: [UInt8] = [0, 0]
        try buffer.withUnsafeMutableBytes { try file.read(offset: 1, into: $0) }
        #expect(buffer == [2, 3])
        try FileHandle(forWritingTo: URL(fileURLWithPath: path)).truncate(atOffset: 2)
        #expect(throws: StoreError.self) { try file.checkUnchanged() }
        #expect(throws: StoreError.self) { try buffer.withUnsafeMutableBytes { try file.read(offset: 1, into: $0) } }
    }

    @Test func onlyRegularFilesAreOffered() throws {
        for path in [folder.path, "/dev/null", folder.path + "/none"] {
            #expect(throws: StoreError.self) { _ = try OfferedFile(path: path) }
        }
        mkfifo(folder.path + "/pipe", 0o600)
        #expect(throws: StoreError.self) { _ = try OfferedFile(path: folder.path + "/pipe") }
    }

    private func makeStore(_ kind: StoreKind, _ layout: ChunkLayout) throws -> any ChunkStore {
        switch kind {
        case .chunks: try ChunkFolderStore(folder: folder.path, layout: layout)
        case .flat: try FlatFileStore(path: folder.path + "/file.part", layout: layout)
        }
    }
}
