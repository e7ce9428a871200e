import Benchmark
import Glibc
import MillraceIO
import MillraceStore
import MillraceWire

/// Writing 100 chunks that were verified, into new files in memory.
func storeBenchmarks() {
    let layout = try! ChunkLayout(fileByteCount: 100 * 102_400, chunkByteCount: 102_400)
    var numbers = Numbers(state: 3)
    let bytes = numbers.bytes(102_400)
    for kind in [StoreKind.flat, .chunks] {
        Benchmark("Store.write-100-chunks-\(kind.rawValue)") { benchmark in
            let folder = try ScratchFolder()
            defer { folder.remove() }
            let store = try makeStore(kind, in: folder.path, layout)
            benchmark.startMeasurement()
            for chunk in 0..<layout.chunkCount { try bytes.withUnsafeBytes { try store.write(chunk, $0) } }
            benchmark.stopMeasurement()
        }
    }
}

func makeStore(_ kind: StoreKind, in folder: String, _ layout: ChunkLayout) throws -> any ChunkStore {
    switch kind {
    case .flat: try FlatFileStore(path: folder + "/file.part", layout: layout)
    case .chunks: try ChunkFolderStore(folder: folder, layout: layout)
    }
}

/// A folder in memory where there is one.
struct ScratchFolder {
    let path: String

    init() throws {
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : TemporaryFolder.base
        path = "\(parent)/millrace-micro-\(getpid())-\(UInt64.random(in: .min ... .max))"
        try TemporaryFolder.make(path)
    }

    func remove() { TemporaryFolder.remove(path) }
}
