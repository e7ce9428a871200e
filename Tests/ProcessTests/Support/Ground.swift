import Dispatch
import Foundation
import Testing

/// A folder for one test, the processes in it, and ports for them.
final class Ground: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/millrace-process-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A file of bytes that look random.
    @discardableResult
    func file(_ name: String, byteCount: Int, seed: UInt64 = 1) throws -> Data {
        var state = seed
        var data = Data(count: (byteCount + 7) / 8 * 8)
        data.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
            var next = bytes.startIndex
            while next < bytes.endIndex {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.storeBytes(of: state ^ state >> 33, toByteOffset: next, as: UInt64.self)
                next += 8
            }
        }
        data = data.prefix(byteCount)
        try data.write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return data
    }

    /// Runs the command here; words are separated by blanks.
    func start(_ name: String, _ words: String, _ more: String..., under tracer: [String] = []) throws -> Child {
        try Child(words.split(separator: " ").map(String.init) + more, in: path, name: name, under: tracer)
    }

    /// The same with more in the environment.
    func start(_ name: String, _ words: String, environment: [String: String]) throws -> Child {
        try Child(words.split(separator: " ").map(String.init), in: path, name: name, environment: environment)
    }

    /// Runs another program to its end; its exit code.
    @discardableResult
    static func run(_ words: String...) -> Int32 {
        (try? Tool.run(words))?.code ?? 127
    }

    func data(_ name: String) -> Data? { FileManager.default.contents(atPath: "\(path)/\(name)") }

    func names(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)")) ?? []).sorted()
    }

    /// The chunk files of a node in the order of their IDs.
    func chunkFiles(_ node: String) -> [String] {
        names("\(node)/chunks").flatMap { folder in
            names("\(node)/chunks/\(folder)").map { "\(node)/chunks/\(folder)/\($0)" }
        }
    }

    func summary(_ node: String) -> String {
        String(decoding: data("\(node)/summary.txt") ?? Data(), as: UTF8.self)
    }
}

/// Ports of this machine that nobody listens on, below those that the system gives to connections.
enum FreePort {
    static func take(_ count: Int) throws -> [Int] {
        var ports: [Int] = []
        for _ in 0..<1000 where ports.count < count {
            let port = UInt16.random(in: 11_000..<32_000)
            if !ports.contains(Int(port)), isFree(port) { ports.append(Int(port)) }
        }
        try #require(ports.count == count)
        return ports
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET6, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == 0
            }
        }
    }
}

/// Looks again and again until something is so; throws when it never is.
func waitUntil(withinSeconds seconds: Double = 60, _ condition: () throws -> Bool) throws {
    let deadline = DispatchTime.now() + seconds
    let never = DispatchSemaphore(value: 0)
    while try !condition() {
        guard DispatchTime.now() < deadline else { throw TookTooLong() }
        _ = never.wait(timeout: .now() + 0.01)
    }
}

/// The six events that users asked to see.
let eventNames = [
    "chunk received", "chunk sent", "chunk ID list received", "chunk ID list sent", "chunks requested",
    "request received",
]
