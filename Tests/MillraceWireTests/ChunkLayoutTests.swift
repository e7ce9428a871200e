import MillraceWire
import Testing

struct ChunkLayoutTests {
    struct Sample: Decodable { let chunk: ChunkID, offset: String, byteCount: UInt32 }

    struct Layout: Decodable {
        let fileByteCount: String, chunkByteCount: UInt32, chunkCount: UInt32?
        let samples: [Sample]?, refused: String?
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
}
