import Foundation
import MillraceIO
import MillraceStore
import MillraceWire

@testable import MillraceHTTP
@testable import MillraceNode

/// A node that is what a test says it is.
final class StubNode: ObservableNode {
    let folder: TestFolder
    let bytes: [UInt8]
    private let current: Lock<(status: NodeStatus, access: FileAccess)>
    let served = Lock(0)
    let statusCount = Lock(0)
    let sendsBy: TransportKind
    let rates: NodeRates

    var status: NodeStatus {
        statusCount.withLock { $0 += 1 }
        return current.withLock { $0.status }
    }
    var fileAccess: FileAccess { current.withLock { $0.access } }
    func tell(_ text: String) {}
    func noteServed() { served.withLock { $0 += 1 } }

    /// A file of bytes that look random, of which the node holds some chunks.
    init(
        byteCount: Int, chunkByteCount: UInt32 = 1024, held: Range<ChunkID>? = nil, kind: StoreKind = .flat,
        contentID: Digest? = Digest(hex: String(repeating: "ab", count: 32)), sendsBy: TransportKind = .sendfile,
        sendBytesPerSecond: UInt64? = nil
    ) throws {
        let folder = try TestFolder()
        self.folder = folder
        self.sendsBy = sendsBy
        var options = CommonOptions(folder: folder.path)
        options.sendBytesPerSecond = sendBytesPerSecond
        rates = NodeRates(options)
        bytes = someBytes(byteCount)
        let layout = try ChunkLayout(fileByteCount: UInt64(byteCount), chunkByteCount: chunkByteCount)
        let store: any ChunkStore =
            kind == .flat
            ? try FlatFileStore(path: folder.path + "/flat", layout: layout)
            : try ChunkFolderStore(folder: folder.path, layout: layout)
        var set = ChunkSet(chunkCount: layout.chunkCount)
        set.insert(held ?? 0..<layout.chunkCount)
        for run in set.runs {
            for chunk in run {
                let start = Int(layout.offset(of: chunk))
                try bytes[start..<(start + Int(layout.byteCount(of: chunk)))].withUnsafeBytes {
                    try store.write(chunk, $0)
                }
            }
        }
        let file = ServedFile(name: "some file.bin", contentID: contentID, held: set, store: store)
        current = Lock((StubNode.status(file, peer: 1), .file(file)))
    }

    func set(_ access: FileAccess) { current.withLock { $0.access = access } }
    func set(_ status: NodeStatus) { current.withLock { $0.status = status } }

    static func status(
        _ file: ServedFile?, peer: PeerIndex?, role: NodeStatus.Role = .peer, phase: NodeStatus.Phase = .fetching,
        failure: String? = nil, members: [NodeStatus.Member] = [], sources: [NodeStatus.Source] = []
    ) -> NodeStatus {
        NodeStatus(
            role: role, phase: phase, failure: failure, peer: peer, seconds: 10, listenPort: 9001,
            transport: "sendfile", storeKind: .flat,
            file: file.map { NodeStatus.File(name: $0.name, layout: $0.layout, contentID: $0.contentID) },
            held: file?.held ?? ChunkSet(chunkCount: 0),
            traffic: NodeStatus.Traffic(fromOwner: 1000, fromPeers: 2000, fromDisk: 3, twice: 4, sent: 5),
            hasOwner: true, members: members, sources: sources, clientCount: 2)
    }
}

final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/millrace-http-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Bytes that look random and are always the same. They repeat after a prime number of them, so that no chunk is like
/// another.
func someBytes(_ count: Int) -> [UInt8] {
    var state: UInt64 = 1
    let block = (0..<65_537).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
    var bytes: [UInt8] = []
    while bytes.count < count { bytes += block.prefix(count - bytes.count) }
    return bytes
}
