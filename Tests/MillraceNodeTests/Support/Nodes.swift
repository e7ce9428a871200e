import Glibc
import MillraceIO
import MillraceStore
import MillraceWire

@testable import MillraceNode

/// An owner that runs.
final class RunningOwner: Sendable {
    let node: OwnerNode
    let interrupt: WakeUp
    private let run: Running<OwnerReport>

    init(_ options: OwnerOptions) throws {
        let node = try OwnerNode(options)
        let interrupt = try WakeUp()
        self.node = node
        self.interrupt = interrupt
        run = try Running { try node.run(interrupt: interrupt.descriptor) }
    }

    var port: UInt16 { node.listenPort }

    func report(withinSeconds seconds: Double = 60) throws -> OwnerReport {
        defer { interrupt.signal() }
        return try run.value(withinSeconds: seconds)
    }
}

/// A peer that runs.
final class RunningPeer: Sendable {
    let node: PeerNode
    let interrupt: WakeUp
    private let run: Running<PeerReport>

    init(_ options: PeerOptions) throws {
        let node = try PeerNode(options)
        let interrupt = try WakeUp()
        self.node = node
        self.interrupt = interrupt
        run = try Running { try node.run(interrupt: interrupt.descriptor) }
    }

    var port: UInt16 { node.listenPort }
    var isOver: Bool { run.isOver }
    /// It has the whole file, under its name, and knows it: an interrupt then ends a run that is done.
    var isComplete: Bool { node.state.withLock { $0.statistics.completed != nil } }

    func report(withinSeconds seconds: Double = 60) throws -> PeerReport {
        defer { interrupt.signal() }
        return try run.value(withinSeconds: seconds)
    }
}

/// A file, a folder for every node, and what a node says.
final class Bench: Sendable {
    let scratch: Scratch
    let bytes: [UInt8]
    let file: String
    var path: String { scratch.path }

    init(byteCount: Int, name: String = "file.bin", seed: UInt64 = 1) throws {
        scratch = try Scratch()
        bytes = someBytes(byteCount, seed: seed)
        file = try scratch.write(name, bytes)
    }

    func ownerOptions(_ change: (inout OwnerOptions) -> Void = { _ in }) throws -> OwnerOptions {
        var options = OwnerOptions(
            listen: Endpoint(host: nil, port: 0), file: file, common: common("owner", try log("owner")))
        change(&options)
        return options
    }

    func owner(_ change: (inout OwnerOptions) -> Void = { _ in }) throws -> RunningOwner {
        try RunningOwner(try ownerOptions(change))
    }

    /// An owner that has hashed its file and waits for so many peers.
    func hashedOwner(chunkByteCount: UInt32, peers: Int) throws -> RunningOwner {
        let owner = try owner { ($0.chunkByteCount, $0.peerCount) = (chunkByteCount, peers) }
        try waitUntil { owner.node.isManifestClosed.load(ordering: .acquiring) }
        return owner
    }

    func peerOptions(
        _ name: String, of owner: UInt16, _ change: (inout PeerOptions) -> Void = { _ in }
    ) throws -> PeerOptions {
        var options = PeerOptions(
            owner: Endpoint(host: nil, port: owner), listen: Endpoint(host: nil, port: 0),
            common: common(name, try log(name)))
        change(&options)
        return options
    }

    /// A peer that a scripted owner has welcomed, sent the digests and told this besides; no thread of it runs.
    func welcomedPeer(of owner: ScriptedOwner, told messages: Message...) throws -> PeerNode {
        let node = try PeerNode(try peerOptions("peer", of: 9))
        let handler = OwnerLinkHandler(node: node, link: try Link(), neighbour: .none)
        let welcome = [Sample.hello(.owner), owner.welcome, .digests(first: 0, owner.manifest.digests)]
        try handler.received(welcome + messages)
        return node
    }

    func peer(
        _ name: String, of owner: UInt16, _ change: (inout PeerOptions) -> Void = { _ in }
    ) throws -> RunningPeer {
        try RunningPeer(try peerOptions(name, of: owner, change))
    }

    func folder(_ name: String) -> String { path + "/" + name }

    /// Waits until no node holds a folder any more: its threads may end a moment after its run.
    func waitUntilLeft(_ name: String) throws {
        try waitUntil {
            let descriptor = open(folder(name) + "/lock", O_RDWR | O_CLOEXEC)
            defer { close(descriptor) }
            return descriptor < 0 || flock(descriptor, LOCK_EX | LOCK_NB) == 0
        }
    }

    /// What the finished file of a peer holds; nil where there is none.
    func output(_ name: String) -> [UInt8]? { Scratch.read(folder(name) + "/file.bin") }

    /// Everything a node has said on both its streams.
    func said(_ name: String) -> String {
        String(decoding: Scratch.read(path + "/\(name).log") ?? [], as: UTF8.self)
    }

    private func common(_ name: String, _ log: CInt) -> CommonOptions {
        var common = CommonOptions(folder: folder(name))
        common.timeoutSeconds = 40
        common.lingerSeconds = 40
        common.log.level = .verbose
        common.log.eventDescriptor = log
        common.log.noticeDescriptor = log
        return common
    }

    /// Stays open for the rest of the process: threads that end late may still write.
    private func log(_ name: String) throws -> CInt {
        let path = path + "/\(name).log"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError(call: "open", errno: errno, subject: path) }
        return descriptor
    }
}
