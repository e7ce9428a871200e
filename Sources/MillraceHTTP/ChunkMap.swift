import MillraceWire

/// A chunk set as a short text, for maps: one digit a cell, each cell a run of neighbouring chunks. 0 means none of
/// them, 9 all of them, what lies between is in proportion.
enum ChunkMap {
    static func text(_ set: ChunkSet, cellCount: Int) -> String {
        let count = min(cellCount, Int(set.chunkCount))
        guard count > 0 else { return "" }
        return String(unsafeUninitializedCapacity: count) { digits in
            for cell in 0..<count {
                let chunks = ChunkMap.chunks(ofCell: cell, cellCount: count, chunkCount: Int(set.chunkCount))
                digits[cell] = UInt8(ascii: "0") + level(set.count(in: chunks), of: chunks.count)
            }
            return count
        }
    }

    /// Cells are as equal as can be: cell i begins at chunk floor(i n / cells).
    static func chunks(ofCell cell: Int, cellCount: Int, chunkCount: Int) -> Range<Int> {
        (cell * chunkCount / cellCount)..<((cell + 1) * chunkCount / cellCount)
    }

    static func level(_ held: Int, of count: Int) -> UInt8 {
        if held == 0 { return 0 }
        return held == count ? 9 : UInt8(max(1, min(8, held * 9 / count)))
    }
}

extension ChunkSet {
    /// How many chunks of a range are members.
    func count(in range: Range<Int>) -> Int {
        guard !range.isEmpty else { return 0 }
        let (first, last) = (range.lowerBound >> 6, (range.upperBound - 1) >> 6)
        var count = 0
        for index in first...last {
            var word = words[index]
            if index == first { word &= UInt64.max << UInt64(range.lowerBound & 63) }
            if index == last { word &= UInt64.max >> UInt64(63 - ((range.upperBound - 1) & 63)) }
            count += word.nonzeroBitCount
        }
        return count
    }
}
