/// A chunk count in four bytes and a list: runs that are taken must ascend, exist, and survive encoding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzChunkIDList(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count >= 4 else { return -1 }
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let number = bytes[..<4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    let chunkCount = number % 65_537
    guard let runs = decode(Array(bytes[4...]), chunkCount) else { return 0 }
    var set = ChunkSet(chunkCount: chunkCount)
    var end: ChunkID = 0
    for run in runs {
        precondition(run.lowerBound >= end && run.upperBound <= chunkCount && !run.isEmpty)
        end = run.upperBound
        set.insert(run)
    }
    precondition(decode(ChunkIDList.encode(set), chunkCount) == set.runs)
    return 0
}

private func decode(_ list: [UInt8], _ chunkCount: UInt32) -> [Range<ChunkID>]? {
    var runs: [Range<ChunkID>] = []
    do {
        try ChunkIDList.decode(list.span.bytes, of: .have, chunkCount: chunkCount) { runs.append($0) }
        return runs
    } catch { return nil }
}
