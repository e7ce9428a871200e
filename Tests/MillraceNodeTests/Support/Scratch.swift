import Dispatch
import Foundation
import MillraceIO

/// A folder that goes away with the last reference to it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/millrace-node-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = path + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    static func read(_ path: String) -> [UInt8]? {
        FileManager.default.contents(atPath: path).map { [UInt8]($0) }
    }

    static func names(in path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
}

/// Bytes that look random and are the same for the same seed (splitmix64).
func someBytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        word ^= word >> 31
        withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) }
    }
    return Array(bytes.prefix(count))
}

struct TookTooLong: Error {}

/// Work on a thread of its own, whose end is waited for with a bound.
final class Running<Value: Sendable>: Sendable {
    private let outcome = Lock<Result<Value, any Error>?>(nil)
    private let ended = DispatchSemaphore(value: 0)

    init(_ body: @escaping @Sendable () throws -> Value) throws {
        _ = try WorkerThread.start(name: "test", stackByteCount: 1 << 20) { [self] in
            let result = Result { try body() }
            outcome.withLock { $0 = result }
            ended.signal()
        }
    }

    var isOver: Bool { outcome.withLock { $0 != nil } }

    /// What the work returned or threw; throws `TookTooLong` when it goes on.
    func value(withinSeconds seconds: Double = 60) throws -> Value {
        guard ended.wait(timeout: .now() + seconds) == .success else { throw TookTooLong() }
        ended.signal()
        guard let outcome = outcome.withLock({ $0 }) else { throw TookTooLong() }
        return try outcome.get()
    }
}

/// Ports of this machine that nobody listens on, below those that the system gives to connections.
enum FreePort {
    private static let taken = Lock<Set<UInt16>>([])

    static func take() throws -> UInt16 {
        for _ in 0..<1000 {
            let port = UInt16.random(in: 11_000..<32_000)
            guard taken.withLock({ $0.insert(port).inserted }) else { continue }
            if (try? Listener(host: nil, port: port)) != nil { return port }
        }
        throw TookTooLong()
    }
}
