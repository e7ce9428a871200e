import Foundation
import MillraceIO
import MillraceWire
import Testing

@testable import MillraceStore

/// Whatever happened to chunks between two runs is found when they are verified again.
@Suite struct ReverificationTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path + "/node" }

    private func open(_ kind: StoreKind, _ sample: Sample) throws -> PeerFolder {
        try PeerFolder.open(path: path, kind: kind, name: "file", layout: sample.layout, output: nil)
    }

    /// The chunks that are on disk and right, found by so many threads.
    private func verified(_ peer: PeerFolder, _ sample: Sample, threadCount: Int = 3) throws -> ChunkSet {
        let work = Reverification(peer.store, candidates: peer.candidates, threadCount: threadCount)
        let good = Lock(ChunkSet(chunkCount: sample.layout.chunkCount))
        let seen = Lock(0)
        let threads = try (0..<threadCount).map { _ in
            try WorkerThread.start(name: "verify") {
                try? work.work(expected: { sample.manifest.digest(of: $0) }) { piece, digests in
                    seen.withLock { $0 += piece.count }
                    good.withLock { good in
                        for (chunk, digest) in zip(piece, digests) where digest == sample.manifest.digest(of: chunk) {
                            good.insert(chunk)
                        }
                    }
                    return true
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(seen.withLock { $0 } == peer.candidates.count)
        return good.withLock { $0 }
    }

    private func chunkFile(_ chunk: Int) -> String {
        "\(path)/chunks/000000/" + String(repeating: "0", count: 9 - "\(chunk)".count) + "\(chunk).chunk"
    }

    @Test(arguments: StoreKind.allCases, [1, 4]) func whatIsRightIsFound(kind: StoreKind, threadCount: Int) throws {
        let sample = try Sample(byteCount: 999_999)
        try sample.write(0..<sample.layout.chunkCount, to: open(kind, sample).store)
        let peer = try open(kind, sample)
        #expect(try verified(peer, sample, threadCount: threadCount).isFull)
    }

    @Test func truncatedZeroedSwappedAndUnreadableChunkFilesAreFound() throws {
        let sample = try Sample(byteCount: 81_920)
        try sample.write(0..<20, to: open(.chunks, sample).store)
        let files = FileManager.default
        try Data(sample.chunk(1).dropLast()).write(to: URL(fileURLWithPath: chunkFile(1)))
        try Data(count: 4096).write(to: URL(fileURLWithPath: chunkFile(2)))
        try Data(sample.chunk(3)).write(to: URL(fileURLWithPath: chunkFile(4)))
        try Data(sample.chunk(4)).write(to: URL(fileURLWithPath: chunkFile(3)))
        try Data().write(to: URL(fileURLWithPath: chunkFile(5)))
        try files.removeItem(atPath: chunkFile(6))
        try files.createSymbolicLink(atPath: chunkFile(6), withDestinationPath: "/dev/zero")
        try files.removeItem(atPath: chunkFile(7))
        try files.createDirectory(atPath: chunkFile(7), withIntermediateDirectories: false)
        var longer = sample.chunk(8)
        longer.append(0)
        try Data(longer).write(to: URL(fileURLWithPath: chunkFile(8)))
        #expect(try verified(open(.chunks, sample), sample).runs == [0..<1, 9..<20])
        // What is there instead must not be in the way of the right chunk; a folder is nobody's chunk.
        try files.removeItem(atPath: chunkFile(7))
        try sample.write(1..<9, to: open(.chunks, sample).store)
        #expect(try verified(open(.chunks, sample), sample).isFull)
    }

    /// Flips bits of stored chunks, one of each chunk that is hit, and asks that exactly those are found. More of them
    /// with FLIPPED_BITS in the environment (`Scripts/flips.sh`).
    @Test(arguments: StoreKind.allCases) func everyFlippedBitOfAStoredChunkIsFound(kind: StoreKind) throws {
        let wanted = ProcessInfo.processInfo.environment["FLIPPED_BITS"].flatMap { Int($0) } ?? 1000
        let sample = try Sample(byteCount: 1_000_000, chunkByteCount: 1024)
        try sample.write(0..<sample.layout.chunkCount, to: open(kind, sample).store)
        var generator = SystemRandomNumberGenerator()
        var flippedCount = 0
        while flippedCount < wanted {
            var flipped = ChunkSet(chunkCount: sample.layout.chunkCount)
            var before = ChunkSet.all(of: sample.layout.chunkCount)
            for _ in 0..<min(wanted - flippedCount, 500) {
                let chunk = ChunkID.random(in: 0..<sample.layout.chunkCount, using: &generator)
                guard flipped.insert(chunk) else { continue }
                before.remove(chunk)
                try flipOneBit(of: chunk, kind, sample, &generator)
            }
            let peer = try open(kind, sample)
            #expect(try verified(peer, sample) == before)
            for run in flipped.runs { try sample.write(run, to: peer.store) }
            flippedCount += flipped.count
        }
        if wanted > 1000 { FileHandle.standardError.write(Data("\(flippedCount) flipped bits found: \(kind)\n".utf8)) }
    }

    private func flipOneBit(
        of chunk: ChunkID, _ kind: StoreKind, _ sample: Sample, _ generator: inout SystemRandomNumberGenerator
    ) throws {
        let byteCount = Int(sample.layout.byteCount(of: chunk))
        let offset = Int.random(in: 0..<byteCount, using: &generator)
        let isFlat = kind == .flat
        let file = try System.open(isFlat ? path + "/file.part" : chunkFile(Int(chunk)), .readWrite)
        let bytes = [sample.chunk(chunk)[offset] ^ 1 << UInt8.random(in: 0..<8, using: &generator)]
        let start = (isFlat ? sample.layout.offset(of: chunk) : 0) + UInt64(offset)
        try bytes.withUnsafeBytes { try System.write(file.rawValue, at: start, $0) }
    }

    /// What is verified in chunk files is in the finished file at the end, whatever was in its place there, and however
    /// much of that was checked before.
    @Test(arguments: [false, true], [0, 1, 1000]) func confirmedChunksAreInPlaceAtTheEnd(
        isPartLost: Bool, checkedPieceCount: Int
    ) throws {
        let sample = try Sample(byteCount: 500_000, chunkByteCount: 1024)
        try sample.write(0..<sample.layout.chunkCount, to: open(.chunks, sample).store)
        let part = path + "/file.part"
        if isPartLost { try FileManager.default.removeItem(atPath: part) } else { try damagePart(at: 5000) }
        let peer = try open(.chunks, sample)
        #expect(try verified(peer, sample).isFull)
        var left = checkedPieceCount
        if left > 0 {
            try peer.checkPlaces(expected: { sample.manifest.digest(of: $0) }) {
                left -= 1
                return left > 0
            }
        }
        // From here on only the chunk files of what is wrong in its place are needed.
        for chunk in [0, 1, 2, 3, 300, 488] { try Data().write(to: URL(fileURLWithPath: chunkFile(chunk))) }
        try peer.finish(manifest: sample.manifest) { _ in }
        #expect(contents(path + "/file") == sample.bytes)
    }

    private func damagePart(at offset: UInt64) throws {
        let file = try System.open(path + "/file.part", .readWrite)
        try [UInt8(1), 2, 3].withUnsafeBytes { try System.write(file.rawValue, at: offset, $0) }
    }
}

@Suite struct OwnerResumeTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path + "/owner" }

    private func open(_ kind: StoreKind, _ sample: Sample) throws -> OwnerFolder {
        let file = try OfferedFile(path: folder.path + "/offered")
        let layout = try ChunkLayout(fileByteCount: file.byteCount, chunkByteCount: sample.layout.chunkByteCount)
        return try OwnerFolder.open(path: path, kind: kind, file: file, layout: layout)
    }

    private func add(_ chunks: Range<ChunkID>, _ sample: Sample, to owner: OwnerFolder) throws {
        var scratch = [UInt8](repeating: 0, count: Int(sample.layout.chunkByteCount))
        for chunk in chunks {
            try scratch.withUnsafeMutableBytes { scratch in
                try sample.chunk(chunk).withUnsafeBytes { try owner.add(chunk, $0, comparingIn: scratch) }
            }
        }
    }

    private func number(of chunk: Int) throws -> UInt64 {
        let path = "\(path)/chunks/000000/00000000\(chunk).chunk"
        return try #require(try System.status(ofPath: path)).inode
    }

    @Test func chunkFilesThatAreRightAreNotMadeAgainAndOthersAre() throws {
        let sample = try Sample(byteCount: 30_000)
        _ = try folder.file("offered", sample.bytes)
        try add(0..<6, sample, to: open(.chunks, sample))
        let before = try (0..<6).map { try number(of: $0) }
        var wrong = sample.chunk(2)
        wrong[7] ^= 1
        try Data(wrong).write(to: URL(fileURLWithPath: "\(path)/chunks/000000/000000002.chunk"))
        let again = try open(.chunks, sample)
        #expect(again.isResumed && again.candidates.runs == [0..<6])
        try add(0..<8, sample, to: again)
        for chunk in 0..<6 where chunk != 2 { #expect(try number(of: chunk) == before[chunk]) }
        for chunk in ChunkID(0)..<8 { #expect(try again.store.payloadBytes(of: chunk) == sample.chunk(chunk)) }
    }

    @Test(arguments: StoreKind.allCases) func aFileThatHasChangedIsRefused(kind: StoreKind) throws {
        let sample = try Sample(byteCount: 30_000)
        let offered = try folder.file("offered", sample.bytes)
        let time = try OfferedFile(path: offered).modificationTime
        do {
            let owner = try open(kind, sample)
            try owner.summary.compact(.all(of: sample.layout.chunkCount), contentID: sample.manifest.contentID)
        }
        for (byteCount, seconds, difference) in [(30_001, 0, "size"), (30_000, 5, "time")] {
            _ = try folder.file("offered", Array(sample.bytes + [1]).prefix(byteCount).map { $0 })
            let date = Date(timeIntervalSince1970: Double(time.seconds) + Double(seconds))
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: offered)
            let error = #expect(throws: StoreError.self) { _ = try open(kind, sample) }
            guard case .sourceReplaced(_, _, let found) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(found == difference)
            #expect("\(String(describing: error!))".contains("remove that folder"))
        }
    }

    /// Size and time alone can be the same by chance or by will.
    @Test func otherContentIsRefusedOnceItIsKnown() throws {
        let sample = try Sample(byteCount: 30_000)
        _ = try folder.file("offered", sample.bytes)
        do {
            let owner = try open(.flat, sample)
            try owner.summary.compact(.all(of: sample.layout.chunkCount), contentID: sample.manifest.contentID)
        }
        let again = try open(.flat, sample)
        try again.check(try #require(sample.manifest.contentID))
        let other = try #require(Digest(hex: String(repeating: "ab", count: 32)))
        #expect(throws: StoreError.self) { try again.check(other) }
    }
}
