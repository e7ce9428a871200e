import Benchmark
import MillraceIO

/// SHA-256 of a chunk: the largest single cost of a peer.
func hashBenchmarks() {
    var numbers = Numbers(state: 2)
    let chunk = numbers.bytes(102_400)
    Benchmark("Hash.SHA-256-of-102400-bytes") { _ in
        var hasher = SHA256Hasher()
        chunk.withUnsafeBytes { hasher.update($0) }
        blackHole(hasher.finish())
    }
}
