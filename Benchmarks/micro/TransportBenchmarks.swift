import Benchmark
import Glibc
import MillraceIO
import MillraceStore
import MillraceWire

/// 100 chunks from files in memory through each transport to another thread, over loopback.
func transportBenchmarks() {
    for store in [StoreKind.flat, .chunks] {
        for kind in TransportKind.allCases {
            Benchmark("Transport.\(kind.rawValue)-sends-100-chunks-\(store.rawValue)") { benchmark in
                let run = try TransportRun(kind, store)
                defer { run.folder.remove() }
                benchmark.startMeasurement()
                try run.send()
                benchmark.stopMeasurement()
            }
        }
    }
}

private final class TransportRun {
    private static let layout = try! ChunkLayout(fileByteCount: 100 * 102_400, chunkByteCount: 102_400)

    let folder: ScratchFolder
    private let store: any ChunkStore
    private let transport: any Transport
    private let near: Socket
    private let drain: WorkerThread

    init(_ kind: TransportKind, _ storeKind: StoreKind) throws {
        folder = try ScratchFolder()
        store = try makeStore(storeKind, in: folder.path, Self.layout)
        var numbers = Numbers(state: 4)
        let bytes = numbers.bytes(102_400)
        let store = store
        for chunk in 0..<Self.layout.chunkCount { try bytes.withUnsafeBytes { try store.write(chunk, $0) } }
        transport = try TransportChoice.make(kind)
        let listener = try Listener(host: "127.0.0.1", port: 0)
        let address = SocketAddress(host: .v4(0x7F00_0001), port: listener.port)
        near = try Socket.connect(to: address, timeoutNanoseconds: 10_000_000_000, wake: nil)
        let far = try TransportRun.accept(listener)
        let total = Int(Self.layout.fileByteCount) + Int(Self.layout.chunkCount) * WireLimits.frameHeaderByteCount
        drain = try TransportRun.drain(far, total)
    }

    /// Returns when the other side has all bytes.
    func send() throws {
        for chunk in 0..<Self.layout.chunkCount {
            let payload = store.payload(of: chunk)
            var header: [UInt8] = []
            FrameHeader(type: .chunk, chunk: chunk, payloadByteCount: payload.byteCount).append(to: &header)
            transport.enqueue(header: header, payload: payload, tag: chunk)
            while try !transport.send(on: near, completed: { _ in }) {
                _ = try WaitPoint.wait(
                    socket: near.descriptor, forReading: false, forWriting: true, wake: nil, untilNanoseconds: nil)
            }
        }
        drain.join()
    }

    private static func accept(_ listener: borrowing Listener) throws -> Socket {
        while true {
            _ = try WaitPoint.wait(
                socket: listener.descriptor, forReading: true, forWriting: false, wake: nil,
                untilNanoseconds: MonotonicClock.nowNanoseconds + 10_000_000_000)
            if let socket = try listener.accept() { return socket }
        }
    }

    private static func drain(_ socket: consuming Socket, _ total: Int) throws -> WorkerThread {
        let box = Lock<Socket?>(socket)
        return try WorkerThread.start(name: "drain") {
            guard let socket = box.withLock({ $0.take() }) else { return }
            let buffer = PooledBuffer(byteCount: 256 * 1024)
            var left = total
            while left > 0 {
                switch try? socket.receive(into: buffer.bytes) {
                case .bytes(let count): left -= count
                case .wouldBlock:
                    _ = try? WaitPoint.wait(
                        socket: socket.descriptor, forReading: true, forWriting: false, wake: nil,
                        untilNanoseconds: nil)
                case .closed, nil: return
                }
            }
        }
    }
}
