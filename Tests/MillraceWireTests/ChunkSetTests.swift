import MillraceWire
import Testing

/// `Set<UInt32>` with the same operations: the oracle.
struct ChunkSetTests {
    private static func expectSame(_ set: ChunkSet, _ oracle: Set<ChunkID>, _ other: ChunkSet, _ others: Set<ChunkID>) {
        let members = oracle.sorted()
        #expect(set.count == oracle.count)
        #expect(set.isEmpty == oracle.isEmpty)
        #expect(set.isFull == (oracle.count == Int(set.chunkCount)))
        #expect(set.runs == ChunkIDList.runs(of: members))
        #expect(set.runs.flatMap { Array($0) } == members)
        for start in [0, 1, set.chunkCount / 2, set.chunkCount] {
            #expect(set.first(from: start) == members.first { $0 >= start })
            #expect(
                set.first(from: start, missingIn: other) == members.first { $0 >= start && !others.contains($0) })
        }
    }

    @Test(arguments: 0..<150) func randomOperationsAgreeWithASet(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let chunkCount = [0, 1, 63, 64, 65, 127, 128, 129, UInt32.random(in: 0...700, using: &generator)]
            .randomElement(using: &generator)!
        var set = ChunkSet(chunkCount: chunkCount)
        var oracle: Set<ChunkID> = []
        var other = ChunkSet(chunkCount: chunkCount)
        var others: Set<ChunkID> = []
        for _ in 0..<60 where chunkCount > 0 {
            let chunk = ChunkID.random(in: 0..<chunkCount, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: #expect(set.insert(chunk) == oracle.insert(chunk).inserted)
            case 1: #expect(set.remove(chunk) == (oracle.remove(chunk) != nil))
            case 2:
                let range = chunk..<ChunkID.random(in: chunk...chunkCount, using: &generator)
                set.insert(range)
                oracle.formUnion(range)
            case 3: #expect(other.insert(chunk) == others.insert(chunk).inserted)
            case 4:
                set.formUnion(other)
                oracle.formUnion(others)
            default: #expect(set.contains(chunk) == oracle.contains(chunk))
            }
        }
        Self.expectSame(set, oracle, other, others)
        Self.expectSame(other, others, set, oracle)
    }

    @Test func chunksTheFileDoesNotHaveAreNoMembers() {
        var set = ChunkSet.all(of: 65)
        #expect(!set.contains(65) && !set.contains(.max))
        let removed = set.remove(65)
        #expect(!removed && set.isFull)
        #expect(set.first(from: 65) == nil && set.first(from: .max) == nil)
        #expect(set.first(from: .max, missingIn: ChunkSet(chunkCount: 65)) == nil)
    }

    @Test(arguments: [0, 1, 63, 64, 65, 1000] as [UInt32]) func aFullSetIsOneRun(chunkCount: UInt32) {
        let set = ChunkSet.all(of: chunkCount)
        #expect(set.isFull)
        #expect(set.runs == (chunkCount == 0 ? [] : [0..<chunkCount]))
        let spare = set.words.last.map { $0.nonzeroBitCount } ?? 0
        #expect(spare == (chunkCount == 0 ? 0 : Int((chunkCount - 1) % 64) + 1))
    }

    @Test func anEmptyRangeAddsNothing() {
        var set = ChunkSet(chunkCount: 3)
        set.insert(3..<3)
        #expect(set.isEmpty && set == ChunkSet(chunkCount: 3))
    }

    @Test func whatIsAddedTwiceIsMissingOnce() {
        var generator = SystemRandomNumberGenerator()
        for chunkCount in [1, 63, 64, 65, 200] as [UInt32] {
            var (set, oracle) = (ChunkSet(chunkCount: chunkCount), Set<ChunkID>())
            for _ in 0..<50 {
                let bounds = [0, 1].map { _ in UInt32.random(in: 0...chunkCount, using: &generator) }.sorted()
                let range = bounds[0]..<bounds[1]
                let missing = range.filter { !oracle.contains($0) }
                #expect(set.insertMissing(range).flatMap { Array($0) } == missing)
                oracle.formUnion(range)
                #expect(set.count == oracle.count)
                #expect(set.firstMissing() == (0..<chunkCount).first { !oracle.contains($0) } ?? chunkCount)
            }
        }
    }
}
