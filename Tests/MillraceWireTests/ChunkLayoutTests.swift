import MillraceWire
import Testing

struct ChunkLayoutTests {
    struct Sample: Decodable { let chunk: ChunkID, offset: String, byteCount: UInt32 }

    struct Layout: Decodable {
        let fileByteCount: String, chunkByteCount: UInt32, chunkCount: UInt32?
        let samples: [Sample]?, refused: String?, pageChunkCount: UInt32?
    }

    struct File: Decodable { let layouts: [Layout] }

    static let layouts: [Layout] = (try? Vectors.load("layouts", as: File.self).layouts) ?? []

    @Test func thereAreLayouts() { #expect(Self.layouts.count > 20) }

    @Test(arguments: layouts.indices) func aFileFallsIntoTheChunksOfItsVector(index: Int) throws {
        let vector = Self.layouts[index]
        let fileByteCount = try #require(UInt64(vector.fileByteCount))
        guard let chunkCount = vector.chunkCount else {
            let error = #expect(throws: ChunkLayout.LayoutError.self) {
                try ChunkLayout(fileByteCount: fileByteCount, chunkByteCount: vector.chunkByteCount)
            }
            switch error {
            case .chunkSizeOutOfRange: #expect(vector.refused == "C-1")
            case .tooManyChunks: #expect(vector.refused == "C-2")
            case nil: break
            }
            return
        }
        let layout = try ChunkLayout(fileByteCount: fileByteCount, chunkByteCount: vector.chunkByteCount)
        #expect(layout.chunkCount == chunkCount)
        #expect(!layout.contains(chunkCount))
        #expect(layout.pageChunkCount == vector.pageChunkCount)
        for sample in vector.samples ?? [] {
            #expect(layout.contains(sample.chunk))
            #expect(String(layout.offset(of: sample.chunk)) == sample.offset)
            #expect(layout.byteCount(of: sample.chunk) == sample.byteCount)
        }
    }

    @Test(arguments: 0..<50) func chunksCoverAFileWithoutGapOrOverlap(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let layout = try ChunkLayout(
            fileByteCount: .random(in: 0...2_000_000, using: &generator),
            chunkByteCount: .random(in: 1024...70_000, using: &generator))
        var end: UInt64 = 0
        for chunk in 0..<layout.chunkCount {
            #expect(layout.offset(of: chunk) == end)
            #expect(layout.byteCount(of: chunk) > 0)
            end += UInt64(layout.byteCount(of: chunk))
        }
        #expect(end == layout.fileByteCount)
    }

    @Test(arguments: 0..<50) func pagesCoverAllChunksWithoutGapOrOverlap(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let layout = try ChunkLayout(
            fileByteCount: .random(in: 0...2_000_000, using: &generator),
            chunkByteCount: .random(in: 1024...10_000, using: &generator))
        var end: ChunkID = 0
        for page in 0..<layout.pageCount {
            let chunks = layout.chunks(ofPage: page)
            #expect(chunks.lowerBound == end && !chunks.isEmpty)
            #expect(chunks.allSatisfy { layout.page(of: $0) == page })
            end = chunks.upperBound
            #expect(layout.chunkCount(inPages: page + 1) == end)
        }
        #expect(end == layout.chunkCount && layout.chunkCount(inPages: 0) == 0)
    }
}
