import Glibc
import MillraceIO
import Synchronization

/// One transport in one thread, a receiver that drops in another.
final class SendRun: Sendable {
    private static let headerByteCount = 12
    /// As many as a node gives its transport at a time.
    private static let queueCount = 16

    private let kind: TransportKind
    private let payloads: [FilePayload]
    private let near: Socket
    private let receiver: WorkerThread
    private let cpuNanoseconds = Atomic<UInt64>(0)

    init(_ kind: TransportKind, isFlat: Bool, folder: String, total: UInt64, chunkByteCount: UInt64) throws {
        self.kind = kind
        // The names are those of source.c.
        let base = "\(folder)/source-\(total)-\(chunkByteCount)"
        let file = isFlat ? open(base + ".flat", O_RDONLY | O_CLOEXEC) : -1
        guard file >= 0 || !isFlat else { throw MissingSource(path: base) }
        payloads = (0..<(total + chunkByteCount - 1) / chunkByteCount).map { chunk in
            let start = chunk * chunkByteCount
            let byteCount = Int(min(chunkByteCount, total - start))
            guard !isFlat else { return FilePayload(place: .descriptor(file), offset: start, byteCount: byteCount) }
            return FilePayload(place: .path("\(base).chunks/\(chunk / 1000)/\(chunk)"), offset: 0, byteCount: byteCount)
        }
        let listener = try Listener(host: "127.0.0.1", port: 0)
        let address = SocketAddress(host: .v4(0x7F00_0001), port: listener.port)
        near = try Socket.connect(to: address, timeoutNanoseconds: 10_000_000_000, wake: nil)
        let lengths = payloads.map(\.byteCount)
        let far = Lock<Socket?>(try SendRun.accept(listener))
        receiver = try WorkerThread.start(name: "receive") {
            guard let socket = far.withLock({ $0.take() }) else { return }
            SendRun.drop(socket.descriptor, lengths)
        }
    }

    /// CPU time of the sending thread, and the time until the other side has all.
    func measure() throws -> (cpuSeconds: Double, wallSeconds: Double) {
        let start = MonotonicClock.nowNanoseconds
        let fault = Lock<String?>(nil)
        let sender = try WorkerThread.start(name: "send") {
            do {
                try self.send()
            } catch {
                fault.withLock { $0 = "\(error)" }
                self.near.shutdown()
            }
            self.cpuNanoseconds.store(threadNanoseconds(), ordering: .relaxed)
        }
        sender.join()
        receiver.join()
        if let fault = fault.withLock({ $0 }) { throw SendFailed(description: fault) }
        return (
            Double(cpuNanoseconds.load(ordering: .relaxed)) / 1e9, Double(MonotonicClock.nowNanoseconds - start) / 1e9
        )
    }

    private func send() throws {
        let transport = try TransportChoice.make(kind)
        var next = 0
        var isFlushed = true
        while next < payloads.count || !isFlushed {
            while next < payloads.count, transport.queuedCount < SendRun.queueCount {
                transport.enqueue(
                    header: SendRun.header(next, payloads[next].byteCount), payload: payloads[next], tag: UInt32(next))
                next += 1
            }
            isFlushed = try transport.send(on: near) { _ in }
            guard !isFlushed else { continue }
            _ = try WaitPoint.wait(
                socket: near.descriptor, forReading: false, forWriting: true, wake: nil,
                untilNanoseconds: MonotonicClock.nowNanoseconds + 60_000_000_000)
        }
    }

    private static func header(_ chunk: Int, _ byteCount: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: headerByteCount)
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: UInt32(byteCount).bigEndian, as: UInt32.self)
            $0.storeBytes(of: UInt32(chunk).bigEndian, toByteOffset: 8, as: UInt32.self)
        }
        return bytes
    }

    /// Receives as the floor does: blocking, a header, then a chunk.
    private static func drop(_ socket: CInt, _ lengths: [Int]) {
        _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) & ~O_NONBLOCK)
        let buffer = PooledBuffer(byteCount: max(headerByteCount, lengths.max() ?? 0))
        for length in lengths {
            for wanted in [headerByteCount, length] {
                guard recv(socket, buffer.bytes.baseAddress, wanted, CInt(MSG_WAITALL)) == wanted else {
                    return
                }
            }
        }
    }

    private static func accept(_ listener: borrowing Listener) throws -> Socket {
        while true {
            _ = try WaitPoint.wait(
                socket: listener.descriptor, forReading: true, forWriting: false, wake: nil,
                untilNanoseconds: MonotonicClock.nowNanoseconds + 10_000_000_000)
            if let socket = try listener.accept() { return socket }
        }
    }
}

struct MissingSource: Error, CustomStringConvertible {
    let path: String
    var description: String { "no \(path).flat: make the sources with the floors first" }
}
struct SendFailed: Error, CustomStringConvertible { let description: String }

private func threadNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
