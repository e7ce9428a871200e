import MillraceIO
import MillraceStore
import MillraceWire
import Testing

@testable import MillraceNode

/// An owner of a file of three chunks made for the test, which plays it frame by frame, and a peer that meets it.
final class ScriptedOwner {
    static let layout = Sample.layout
    let bytes = someBytes(Int(Sample.layout.fileByteCount))
    let manifest: Manifest
    let contentID: Digest
    let swarm = NodeToken.random()
    private let token = NodeToken.random()
    private let listener: TestListener
    var port: UInt16 { listener.port }

    init() throws {
        listener = try TestListener()
        var manifest = Manifest(layout: Self.layout)
        var hasher = SHA256Hasher()
        for chunk in 0..<Self.layout.chunkCount {
            ScriptedOwner.slice(bytes, chunk).withUnsafeBytes { hasher.update($0) }
            manifest.append(chunks: [hasher.digest()]) { hasher.join($0, $1) }
        }
        self.manifest = manifest
        contentID = ContentID.compute(manifest)
    }

    private static func slice(_ bytes: [UInt8], _ chunk: ChunkID) -> ArraySlice<UInt8> {
        bytes[Int(layout.offset(of: chunk))...].prefix(Int(layout.byteCount(of: chunk)))
    }

    func chunk(_ chunk: ChunkID) -> [UInt8] { Array(ScriptedOwner.slice(bytes, chunk)) }

    /// The peer's connection after both hellos and its join, which it does not wait for an answer with.
    func meet() throws -> (link: TestLink, join: JoinMessage) {
        guard let link = try listener.accept() else { throw TookTooLong() }
        guard try link.next(.hello) != nil, case .join(let join) = try link.next(.join) else { throw TookTooLong() }
        try link.send(.hello(HelloMessage(role: .owner, swarm: swarm, node: token)))
        return (link, join)
    }

    var welcome: Message { .welcome(WelcomeMessage(peer: 0, layout: Self.layout, name: "file.bin")) }

    /// Makes the peer a member beside another one that listens on a port of this machine.
    func welcome(_ link: TestLink, _ join: JoinMessage, source: UInt16) throws {
        let entries = [join.listenPort, source].enumerated().map { index, port in
            RosterEntry(peer: PeerIndex(index), address: PeerAddress(host: .ownersHost, port: port))
        }
        try link.send(
            welcome, .digests(first: 0, manifest.digests), .manifestEnd(contentID: contentID),
            .roster(RosterMessage(start: 0, total: 2, entries: entries)))
    }

    /// Grants all chunks as the credits come, and lets the peer leave once it is complete.
    func serve(_ link: TestLink) throws {
        var credits: UInt32 = 0
        var next: ChunkID = 0
        while true {
            guard case .message(let message) = try link.receive() else { throw TookTooLong() }
            switch message {
            case .credit(let count): credits += count
            case .complete: return try link.send(.finished)
            default: continue
            }
            while credits > 0, next < Self.layout.chunkCount {
                try link.send(.grant, next, chunk(next))
                (credits, next) = (credits - 1, next + 1)
            }
        }
    }
}

/// The other member: a source made for the test.
final class ScriptedSource {
    private let listener: TestListener
    private let token = NodeToken.random()
    var port: UInt16 { listener.port }

    init() throws { listener = try TestListener() }

    /// The peer's connection, once it has said hello.
    func meet() throws -> TestLink {
        guard let link = try listener.accept() else { throw TookTooLong() }
        guard try link.next(.hello) != nil else { throw TookTooLong() }
        return link
    }

    func hello(_ swarm: NodeToken) -> Message { .hello(HelloMessage(role: .peer, swarm: swarm, node: token)) }
}
