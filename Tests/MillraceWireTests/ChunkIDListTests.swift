import MillraceWire
import Testing

/// Decodes a list into its runs.
private func decode(_ bytes: [UInt8], _ chunkCount: UInt32) throws(WireError) -> [Range<ChunkID>] {
    var runs: [Range<ChunkID>] = []
    try ChunkIDList.decode(bytes.span.bytes, of: .list, chunkCount: chunkCount) { runs.append($0) }
    return runs
}

private func set(_ runs: [Range<ChunkID>], _ chunkCount: UInt32) -> ChunkSet {
    var set = ChunkSet(chunkCount: chunkCount)
    for run in runs { set.insert(run) }
    return set
}

struct ChunkIDListTests {
    struct Valid: Decodable {
        let name: String, chunkCount: UInt32, runs: [[ChunkID]], hex: Hex, alsoAccepted: [Hex]

        var ranges: [Range<ChunkID>] { runs.map { $0[0]..<($0[1] + 1) } }
    }

    struct Invalid: Decodable { let name: String, requirement: String, code: UInt16, hex: Hex, chunkCount: UInt32 }

    struct File: Decodable { let valid: [Valid], invalid: [Invalid] }

    static let file: File? = try? Vectors.load("lists")
    static let valid = file?.valid ?? []
    static let invalid = file?.invalid ?? []

    @Test func thereAreLists() { #expect(Self.valid.count > 15 && Self.invalid.count > 20) }

    @Test(arguments: valid.indices) func aSetEncodesToTheShorterForm(index: Int) {
        let vector = Self.valid[index]
        let encoded = ChunkIDList.encode(set(vector.ranges, vector.chunkCount))
        #expect(encoded.hexText == vector.hex.bytes.hexText, "\(vector.name)")
    }

    @Test(arguments: valid.indices) func everyFormDecodesToTheSet(index: Int) throws {
        let vector = Self.valid[index]
        #expect(try decode(vector.hex.bytes, vector.chunkCount) == vector.ranges, "\(vector.name)")
        for form in vector.alsoAccepted {
            let runs = try decode(form.bytes, vector.chunkCount)
            #expect(set(runs, vector.chunkCount) == set(vector.ranges, vector.chunkCount), "\(vector.name)")
        }
    }

    @Test(arguments: invalid.indices) func aMalformedListIsRefusedWithItsCode(index: Int) {
        let vector = Self.invalid[index]
        do {
            let runs = try decode(vector.hex.bytes, vector.chunkCount)
            Issue.record("\(vector.name) was taken for \(runs)")
        } catch {
            #expect(error.goodbyeCode.rawValue == vector.code, "\(vector.name), \(vector.requirement): \(error)")
        }
    }

    @Test(arguments: 0..<200) func aRandomSetSurvivesTheRoundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let chunkCount = UInt32.random(in: 0...3000, using: &generator)
        var original = ChunkSet(chunkCount: chunkCount)
        let density = Int.random(in: 1...100, using: &generator)
        for chunk in 0..<chunkCount where Int.random(in: 0..<100, using: &generator) < density {
            original.insert(chunk)
        }
        let encoded = ChunkIDList.encode(original)
        let runs = try decode(encoded, chunkCount)
        #expect(runs == original.runs)
        #expect(set(runs, chunkCount) == original)
        #expect(encoded.count <= 1 + (Int(chunkCount) + 7) / 8)
        #expect(try decode(ChunkIDList.encode(runs: original.runs), chunkCount) == runs)
    }

    @Test(arguments: 0..<64) func randomListsAreTakenOrRefusedAndNeverTrap(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let chunkCount = UInt32.random(in: 0...100, using: &generator)
            var bytes = generator.bytes(Int.random(in: 0...20, using: &generator))
            if !bytes.isEmpty { bytes[0] &= 1 }
            if let runs = try? decode(bytes, chunkCount) {
                #expect(runs.allSatisfy { !$0.isEmpty && $0.upperBound <= chunkCount })
                #expect(zip(runs, runs.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
            }
        }
    }

    @Test func runsOfChunksInAnyOrderAscendAndJoin() {
        #expect(ChunkIDList.runs(of: []) == [])
        #expect(ChunkIDList.runs(of: [5, 3, 4, 9, 3, 5]) == [3..<6, 9..<10])
        #expect(ChunkIDList.runs(of: [0]) == [0..<1])
    }

    @Test func listsOfTheMostChunksFitTheLimit() throws {
        let most = WireLimits.largestChunkCount
        var scattered = ChunkSet(chunkCount: most)
        for chunk in stride(from: ChunkID(0), to: most, by: 8) { scattered.insert(chunk) }
        #expect(ChunkIDList.encode(scattered).count == WireLimits.largestListByteCount)
        #expect(ChunkIDList.encode(.all(of: most)).count == 6)
        #expect(Message.list(ChunkIDList.encode(scattered)).frame.count == 12 + WireLimits.largestListByteCount)
    }
}
