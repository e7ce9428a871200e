@testable import MillraceWire

/// A chunk count in four bytes and a list: runs that are taken must ascend, exist, and survive encoding.
enum ChunkIDListHarness {
    static func run(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 4 else { return false }
        let number = bytes[..<4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let chunkCount = number % 65_537
        guard let runs = decode(Array(bytes[4...]), chunkCount) else { return true }
        var set = ChunkSet(chunkCount: chunkCount)
        var end: ChunkID = 0
        for run in runs {
            hold(run.lowerBound >= end && run.upperBound <= chunkCount && !run.isEmpty)
            end = run.upperBound
            set.insert(run)
        }
        hold(decode(ChunkIDList.encode(set), chunkCount) == set.runs)
        return true
    }

    private static func decode(_ list: [UInt8], _ chunkCount: UInt32) -> [Range<ChunkID>]? {
        var runs: [Range<ChunkID>] = []
        do {
            try ChunkIDList.decode(list.span.bytes, of: .have, chunkCount: chunkCount) { runs.append($0) }
            return runs
        } catch { return nil }
    }
}
