import ArgumentParser
import MillraceNode

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Runs an owner and five peers as processes on this machine and checks the copies.")

    @Argument(help: "A file to distribute; one of 256 MB is made if it is left out.", completion: .file())
    var file: String?

    @Option(help: "How many peers.")
    var peers = 5

    @Option(help: "How chunks are kept: chunks or flat.")
    var store: StoreKind = .chunks

    @Option(help: "Folder to work in (default: a new one, removed at the end).", completion: .directory)
    var dir: String?

    @Flag(name: .short, help: "Show a bar for each peer in place of the events of the nodes.")
    var quiet = false

    func validate() throws {
        guard (1...100).contains(peers) else { throw ValidationError("--peers takes 1 to 100") }
    }

    func run() throws {
        // Without their owner the peers would wait until their time is over.
        if let file { try checkReadable(file) }
        let interrupts = try caughtInterrupts()
        let folder = try DemoFolder(path: dir)
        defer { folder.remove() }
        let source = try file ?? folder.makeFile(byteCount: 256_000_000)
        let ports = try (0...peers).map { _ in try DemoPorts.free() }
        let others = ports.dropFirst().map(String.init).joined(separator: " ")
        try Output.line("demo: an owner on port \(ports[0]) and \(peers) peers on ports \(others)")
        let start = MonotonicClock.nowNanoseconds
        let nodes = DemoNodes()
        defer { nodes.end() }
        try launch(nodes, source: source, ports: ports, in: folder.path)
        guard let codes = nodes.wait(interrupt: interrupts.descriptor) else {
            throw NodeFailure(.interrupted, "interrupted; the demo's nodes have been ended")
        }
        let seconds = Double(MonotonicClock.nowNanoseconds - start) / 1e9
        guard codes.allSatisfy({ $0 == 0 }) else {
            throw NodeFailure(.noProgress, "a node of the demo failed, exit codes \(codes)")
        }
        try check(source, ports: ports, in: folder.path, seconds: seconds)
    }

    private func checkReadable(_ file: String) throws {
        do {
            _ = try OfferedFile(path: file)
        } catch {
            throw NodeFailure(.fileFault, "\(error)")
        }
    }

    private func launch(_ nodes: DemoNodes, source: String, ports: [UInt16], in folder: String) throws {
        let shared = ["--store", store.rawValue, "--timeout", "60"] + (quiet ? ["-q"] : [])
        // Six nodes share one terminal: one of them may draw, and only where no other writes.
        let progress = ["--progress", quiet && Console.isTerminal(2) ? "bar" : "none"]
        try nodes.start(
            ["owner", "\(ports[0])", source, "--peers", "\(peers)", "--dir", "\(folder)/owner"] + shared + progress)
        for index in 1...peers {
            let neighbour = ports[index % peers + 1]
            var arguments = ["peer", "\(ports[0])", "\(ports[index])"]
            if peers > 1 { arguments.append("\(neighbour)") }
            arguments += ["--dir", "\(folder)/peer-\(index)", "--progress", "none"] + shared
            try nodes.start(arguments)
        }
    }

    private func check(_ source: String, ports: [UInt16], in folder: String, seconds: Double) throws {
        let size: UInt32 = 1 << 20
        let wanted = try ContentID.compute(path: source, chunkByteCount: size)
        let name = try OfferedFile(path: source).name
        for index in 1...peers {
            let copy = "\(folder)/peer-\(index)/\(name)"
            guard try ContentID.compute(path: copy, chunkByteCount: size) == wanted else {
                throw NodeFailure(.integrity, "\(copy) differs from \(source)")
            }
            try Output.line("demo: \(copy) is identical to the source")
        }
        let byteCount = try OfferedFile(path: source).byteCount
        let rate = seconds > 0 ? Double(byteCount) * Double(peers) / seconds / 1e6 : 0
        try Output.line(
            "demo: \(peers) verified copies of \(byteCount) bytes in \(Int(seconds * 1000)) ms,"
                + " \(Int(rate)) MB/s in all on this one machine")
    }
}

/// The folder a demo works in.
struct DemoFolder {
    let path: String
    private let isOurs: Bool
    private static let fileName = "demo.bin"

    init(path: String?) throws {
        isOurs = path == nil
        self.path = path ?? "\(TemporaryFolder.base)/millrace-demo-\(UInt64.random(in: 0...UInt64.max))"
        try TemporaryFolder.make(self.path)
        guard try !DemoFolder.holdsDemo(self.path) else {
            throw NodeFailure(
                .fileFault, "folder \(self.path) holds an earlier demo; remove that, or choose another one with --dir")
        }
    }

    private static func holdsDemo(_ path: String) throws -> Bool {
        try TemporaryFolder.names(in: path).contains { $0 == fileName || $0 == "owner" || $0.hasPrefix("peer-") }
    }

    /// A file of random bytes, so that nothing can be gained by compression.
    func makeFile(byteCount: Int) throws -> String {
        let file = "\(path)/\(DemoFolder.fileName)"
        try Output.line("demo: making \(file), \(byteCount) random bytes")
        try TemporaryFolder.writeRandomFile(file, byteCount: byteCount)
        return file
    }

    func remove() {
        if isOurs { TemporaryFolder.remove(path) }
    }
}

/// The processes of a demo. They do not outlive it, unless it is killed.
final class DemoNodes {
    private var nodes: [ChildProcess] = []
    /// What a node takes at most to say goodbye and to write what is left.
    private static let endNanoseconds: UInt64 = 10_000_000_000

    func start(_ arguments: [String]) throws { nodes.append(try ChildProcess.start(Executable.path, arguments)) }

    /// The exit codes of all; nil where the demo was interrupted.
    func wait(interrupt: CInt) -> [Int32]? { ChildProcess.wait(for: nodes, interrupt: interrupt) }

    func end() { ChildProcess.end(nodes, withinNanoseconds: DemoNodes.endNanoseconds) }
}

enum DemoPorts {
    /// A port nobody listens on; free at least until somebody else takes it.
    static func free() throws(NodeFailure) -> UInt16 {
        do throws(SystemError) {
            return try Listener(host: "127.0.0.1", port: 0).port
        } catch {
            throw NodeFailure(.network, "no port is free on this machine: \(error)")
        }
    }
}
