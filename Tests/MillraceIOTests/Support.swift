import Foundation
import Testing

@testable import MillraceIO

/// A folder that goes away with the last reference to it.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        path = FileManager.default.temporaryDirectory.path + "/millrace-io-\(UUID().uuidString)"
        try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = path + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }
}

/// Two ends of one connection on this machine.
struct Pair: ~Copyable {
    let near: Socket
    let far: Socket

    init() throws {
        let listener = try Listener(host: "127.0.0.1", port: 0)
        let address = SocketAddress(host: .v4(0x7F00_0001), port: listener.port)
        let near = try Socket.connect(to: address, timeoutNanoseconds: seconds(10), wake: nil)
        let far = try acceptOne(listener)
        self.near = near
        self.far = far
    }

    /// The far end goes, with whatever it has not read.
    consuming func leftAlone() -> Socket { near }

    /// The far end resets the connection.
    consuming func reset() -> Socket {
        var atOnce = linger(l_onoff: 1, l_linger: 0)
        setsockopt(far.descriptor, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout<linger>.size))
        return near
    }
}

func seconds(_ count: UInt64) -> UInt64 { count * 1_000_000_000 }
func deadline(seconds count: UInt64) -> UInt64 { MonotonicClock.nowNanoseconds + seconds(count) }

func acceptOne(_ listener: borrowing Listener) throws -> Socket {
    while true {
        let ready = try WaitPoint.wait(
            socket: listener.descriptor, forReading: true, forWriting: false, wake: nil,
            untilNanoseconds: deadline(seconds: 10))
        try #require(ready.contains(.readable))
        if let socket = try listener.accept() { return socket }
    }
}

extension Socket {
    /// What has come, at most `limit` bytes; empty when nothing has, nil at the end.
    func available(limit: Int) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: limit)
        let transfer = try bytes.withUnsafeMutableBytes { try receive(into: $0) }
        switch transfer {
        case .bytes(let count): return Array(bytes.prefix(count))
        case .wouldBlock: return []
        case .closed: return nil
        }
    }

    func waitReadable() throws {
        let ready = try WaitPoint.wait(
            socket: descriptor, forReading: true, forWriting: false, wake: nil, untilNanoseconds: deadline(seconds: 10))
        try #require(!ready.isEmpty)
    }

    func sendAll(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let transfer = try rest.withUnsafeBytes { try send($0) }
            guard case .bytes(let count) = transfer else {
                Issue.record("the socket would block")
                return
            }
            rest = rest.dropFirst(count)
        }
    }
}

/// A generator that gives the same numbers for the same seed (splitmix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        let words = (0..<(count + 7) / 8).map { _ in next() }
        return words.withUnsafeBytes { Array($0.prefix(count)) }
    }
}

extension Transport {
    /// Sends and receives by turns until so many bytes have come and the queue is empty.
    @discardableResult
    func deliver(over pair: borrowing Pair, byteCount: Int) throws -> (received: [UInt8], completed: [UInt32]) {
        var received: [UInt8] = []
        var completed: [UInt32] = []
        received.reserveCapacity(byteCount)
        while received.count < byteCount || queuedCount > 0 {
            _ = try send(on: pair.near, completed: { completed.append($0) })
            if received.count < byteCount { try pair.far.waitReadable() }
            while let bytes = try pair.far.available(limit: 70_001), !bytes.isEmpty { received += bytes }
        }
        return (received, completed)
    }
}
