/// The chunk ID list on the wire (PROTOCOL.md, section "Chunk ID lists"): a form byte, then runs or a bitmap,
/// whichever is shorter. Additions (`have`) use the same encoding.
public enum ChunkIDList {
    enum Form: UInt8 {
        case runs = 0
        case bitmap = 1
    }

    /// Encodes a whole set in its shorter form; runs where both are of one length.
    public static func encode(_ set: ChunkSet) -> [UInt8] {
        let runs = encode(runs: set.runs)
        return runs.count <= bitmapByteCount(of: set.chunkCount) ? runs : bitmap(set)
    }

    /// The same of ascending, disjoint, non-empty and non-touching runs, where no set of them is at hand.
    public static func encode(runs: [Range<ChunkID>], chunkCount: UInt32) -> [UInt8] {
        let encoded = encode(runs: runs)
        guard encoded.count > bitmapByteCount(of: chunkCount) else { return encoded }
        var set = ChunkSet(chunkCount: chunkCount)
        for run in runs { set.insert(run) }
        return bitmap(set)
    }

    private static func bitmapByteCount(of chunkCount: UInt32) -> Int { 1 + (Int(chunkCount) + 7) / 8 }

    /// Encodes ascending, disjoint, non-empty and non-touching runs: gap and length - 1 of each as LEB128.
    public static func encode(runs: [Range<ChunkID>]) -> [UInt8] {
        var bytes: [UInt8] = [Form.runs.rawValue]
        var end: ChunkID = 0
        for run in runs {
            precondition(!run.isEmpty && run.lowerBound >= end, "runs must ascend")
            appendVariable(run.lowerBound - end, to: &bytes)
            appendVariable(UInt32(run.count) - 1, to: &bytes)
            end = run.upperBound
        }
        return bytes
    }

    /// The runs that cover these IDs, in whatever order they come.
    public static func runs(of chunks: [ChunkID]) -> [Range<ChunkID>] {
        var runs: [Range<ChunkID>] = []
        var ascending = chunks
        ascending.sort()
        for chunk in ascending {
            if let last = runs.last, last.upperBound == chunk {
                runs[runs.count - 1] = last.lowerBound..<(chunk + 1)
            } else if runs.last?.contains(chunk) != true {
                runs.append(chunk..<(chunk + 1))
            }
        }
        return runs
    }

    /// Calls `body` with each run of the list, ascending. Throws before the first call that would be wrong.
    public static func decode(
        _ bytes: RawSpan, of type: MessageType, chunkCount: UInt32, _ body: (Range<ChunkID>) -> Void
    ) throws(WireError) {
        guard bytes.byteCount > 0 else { throw .truncated(type) }
        switch Form(rawValue: bytes.byte(at: 0)) {
        case .runs: try decodeRuns(bytes, of: type, chunkCount: chunkCount, body)
        case .bitmap: try decodeBitmap(bytes, of: type, chunkCount: chunkCount, body)
        case nil: throw .badField(type, field: "list form")
        }
    }

    private static func bitmap(_ set: ChunkSet) -> [UInt8] {
        let byteCount = bitmapByteCount(of: set.chunkCount)
        var bytes: [UInt8] = [Form.bitmap.rawValue]
        bytes.reserveCapacity(byteCount)
        for index in 0..<(byteCount - 1) {
            bytes.append(UInt8(truncatingIfNeeded: set.words[index / 8] >> UInt64(8 * (index % 8))))
        }
        return bytes
    }

    private static func decodeRuns(
        _ bytes: RawSpan, of type: MessageType, chunkCount: UInt32, _ body: (Range<ChunkID>) -> Void
    ) throws(WireError) {
        var position = 1
        var end: UInt64 = 0
        while position < bytes.byteCount {
            let gap = try variable(bytes, at: &position, of: type)
            let length = UInt64(try variable(bytes, at: &position, of: type)) + 1
            let start = end + UInt64(gap)
            guard start + length <= UInt64(chunkCount) else {
                throw .chunkOutOfRange(ChunkID(truncatingIfNeeded: start + length - 1), chunkCount: chunkCount)
            }
            end = start + length
            body(ChunkID(start)..<ChunkID(end))
        }
    }

    private static func decodeBitmap(
        _ bytes: RawSpan, of type: MessageType, chunkCount: UInt32, _ body: (Range<ChunkID>) -> Void
    ) throws(WireError) {
        guard bytes.byteCount == 1 + (Int(chunkCount) + 7) / 8 else { throw .badField(type, field: "bitmap length") }
        var words = Array(repeating: UInt64(0), count: (Int(chunkCount) + 63) / 64)
        for index in 0..<(bytes.byteCount - 1) {
            words[index / 8] |= UInt64(bytes.byte(at: index + 1)) << UInt64(8 * (index % 8))
        }
        if chunkCount & 63 != 0, let last = words.last, last >> UInt64(chunkCount & 63) != 0 {
            throw .badField(type, field: "bitmap padding")
        }
        var set = ChunkSet(chunkCount: chunkCount)
        set.replace(words: words)
        set.forEachRun(body)
    }

    private static func appendVariable(_ value: UInt32, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// LEB128 of at most five bytes, the shortest form only, so that every list has one encoding.
    private static func variable(
        _ bytes: RawSpan, at position: inout Int, of type: MessageType
    ) throws(WireError) -> UInt32 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 28, by: 7) {
            guard position < bytes.byteCount else { throw .truncated(type) }
            let byte = bytes.byte(at: position)
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            guard byte & 0x80 == 0 else { continue }
            guard byte != 0 || shift == 0 else { throw .badField(type, field: "number form") }
            guard let result = UInt32(exactly: value) else { throw .badField(type, field: "number") }
            return result
        }
        throw .badField(type, field: "number length")
    }
}

extension RawSpan {
    func byte(at offset: Int) -> UInt8 { unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self) }
}
