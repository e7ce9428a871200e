import Benchmark
import MillraceWire

/// Chunk ID lists of a file of a hundred thousand chunks (10 GB): whole, in runs, and scattered.
func listBenchmarks() {
    let chunkCount: UInt32 = 100_000
    var numbers = Numbers(state: 1)
    var scattered = ChunkSet(chunkCount: chunkCount)
    var runs = ChunkSet(chunkCount: chunkCount)
    for chunk in 0..<chunkCount where numbers.next() & 1 == 0 { scattered.insert(chunk) }
    for start in stride(from: UInt32(0), to: chunkCount, by: 1000) { runs.insert(start..<(start + 500)) }

    for (name, set) in [("scattered", scattered), ("in-runs", runs)] {
        let encoded = ChunkIDList.encode(set)
        Benchmark("List.encode-100000-chunks-\(name)") { _ in blackHole(ChunkIDList.encode(set)) }
        Benchmark("List.decode-100000-chunks-\(name)") { _ in
            var count = 0
            try ChunkIDList.decode(encoded.span.bytes, of: .list, chunkCount: chunkCount) { count += $0.count }
            blackHole(count)
        }
        Benchmark("List.merge-100000-chunks-\(name)") { _ in
            var merged = runs
            try ChunkIDList.decode(encoded.span.bytes, of: .list, chunkCount: chunkCount) { merged.insert($0) }
            blackHole(merged)
        }
    }
}
