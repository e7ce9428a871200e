import Foundation
import Testing

/// Nodes whose console is a pipe that is full and that nobody reads.
@Suite(.timeLimit(.minutes(5))) struct FullPipeTests {
    /// A pipe with a name, held open at its other end.
    private final class Reader {
        let path: String
        private let descriptor: CInt
        private(set) var text = ""

        init(_ name: String, in ground: Ground) throws {
            path = "\(ground.path)/\(name)"
            try #require(mkfifo(path, 0o600) == 0)
            descriptor = open(path, O_RDWR | O_NONBLOCK)
            try #require(descriptor >= 0)
        }

        deinit { close(descriptor) }

        /// Whether this was said up to now.
        func hasRead(_ wanted: String) -> Bool {
            var buffer = [UInt8](repeating: 0, count: 65536)
            while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
                text += String(decoding: buffer[..<count], as: UTF8.self)
            }
            return text.contains(wanted)
        }

        func fill() {
            let bytes = [UInt8](repeating: 10, count: 4096)
            while write(descriptor, bytes, bytes.count) > 0 {}
            while write(descriptor, bytes, 1) > 0 {}
        }
    }

    private func start(
        _ name: String, _ words: String, in ground: Ground, _ reader: Reader? = nil
    ) throws -> (node: Child, reader: Reader) {
        let reader = try reader ?? Reader("\(name).pipe", in: ground)
        let console = ["/bin/sh", "-c", "exec \"$0\" \"$@\" > '\(reader.path)' 2>&1"]
        return (try ground.start(name, words, under: ["/usr/bin/env", "--default-signal"] + console), reader)
    }

    /// More events than a log keeps in memory, from threads that wait for their reader then.
    @Test func aSignalEndsAnOwnerThatCannotWrite() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 20_000 * 1024)
        let ports = try FreePort.take(2)
        let words = "owner \(ports[0]) data.bin --chunk-size 1KiB --store flat"
        let (owner, reader) = try start("owner", words, in: ground)
        try waitUntil { reader.hasRead("serving") }
        reader.fill()
        let peer = try ground.start("peer", "peer \(ports[0]) \(ports[1]) -q --store flat --timeout 3")
        #expect([4, 5].contains(try peer.wait()), "its owner stands still")
        owner.signal(SIGTERM)
        #expect(try owner.wait(withinSeconds: 20) == 7)
    }

    @Test func aSignalEndsAPeerThatCannotWrite() throws {
        let ground = try Ground()
        let ports = try FreePort.take(2)
        let (peer, reader) = try start("peer", "peer \(ports[0]) \(ports[1]) --progress line", in: ground)
        try waitUntil { reader.hasRead("no owner listens") }
        reader.fill()
        peer.signal(SIGINT)
        #expect(try peer.wait(withinSeconds: 20) == 7)
    }

    @Test func aSignalEndsANodeThatNeverCouldWrite() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 1000)
        let ports = try FreePort.take(2)
        let reader = try Reader("full.pipe", in: ground)
        reader.fill()
        let (owner, _) = try start("owner", "owner \(ports[0]) data.bin --http \(ports[1])", in: ground, reader)
        try waitUntil { ground.data("owner-\(ports[0])/summary.txt") != nil }
        owner.signal(SIGTERM)
        #expect(try owner.wait(withinSeconds: 20) == 7)
    }

    /// Whoever reads slowly still gets all of it.
    @Test func aReaderThatComesBackGetsTheReport() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 1000 * 1024)
        let ports = try FreePort.take(2)
        let (owner, reader) = try start("owner", "owner \(ports[0]) data.bin --chunk-size 1KiB --peers 1", in: ground)
        try waitUntil { reader.hasRead("serving") }
        reader.fill()
        let peer = try ground.start("peer", "peer \(ports[0]) \(ports[1])")
        #expect(try peer.wait() == 0)
        #expect(owner.isRunning)
        try waitUntil { reader.hasRead("report: ") }
        #expect(try owner.wait() == 0)
        #expect(reader.text.components(separatedBy: "chunk sent chunk=").count == 1001)
    }
}
