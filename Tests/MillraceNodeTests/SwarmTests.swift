import MillraceIO
import MillraceStore
import MillraceWire
import Testing

@testable import MillraceNode

/// One swarm in this process: what is sent, how, and to how many.
struct SwarmCase: Sendable, CustomTestStringConvertible {
    var byteCount = 768_123
    var store = StoreKind.chunks
    var transport = TransportKind.sendfile
    var peerCount = 2
    var chunkByteCount: UInt32 = 102_400

    var testDescription: String {
        "\(byteCount) bytes, \(store), \(transport), \(peerCount) peers, chunks of \(chunkByteCount)"
    }

    static let transports: [TransportKind] =
        TransportChoice.choose(.uring, forChunkFiles: true).kind == .uring
        ? [.copy, .sendfile, .uring] : [.copy, .sendfile]

    /// Every size with every store and transport, the numbers of peers and chunk sizes in turn.
    static let sizes: [SwarmCase] = {
        var cases: [SwarmCase] = []
        for byteCount in [0, 1, 102_399, 102_400, 102_401, 768_123] {
            for store in StoreKind.allCases {
                for transport in transports {
                    let turn = cases.count
                    cases.append(
                        SwarmCase(
                            byteCount: byteCount, store: store, transport: transport, peerCount: [1, 2, 5][turn % 3],
                            chunkByteCount: [102_400, 1024, 1 << 20][turn / 3 % 3]))
                }
            }
        }
        return cases
    }()

    /// Every number of peers with every chunk size and store, the transports in turn.
    static let shapes: [SwarmCase] = {
        var cases: [SwarmCase] = []
        for peerCount in [1, 2, 5] {
            for chunkByteCount in [1024, 102_400, 1 << 20] as [UInt32] {
                for store in StoreKind.allCases {
                    let transport = transports[cases.count % transports.count]
                    cases.append(
                        SwarmCase(
                            byteCount: chunkByteCount == 1024 ? 150_123 : 768_123, store: store, transport: transport,
                            peerCount: peerCount, chunkByteCount: chunkByteCount))
                }
            }
        }
        return cases
    }()
}

extension CommonOptions {
    mutating func take(_ swarm: SwarmCase) {
        storeKind = swarm.store
        transport = swarm.transport
    }
}

@Suite(.timeLimit(.minutes(5))) struct SwarmTests {
    @Test(arguments: SwarmCase.sizes) func everySizeArrives(swarm: SwarmCase) throws { try run(swarm) }
    @Test(arguments: SwarmCase.shapes) func everyShapeOfSwarmDelivers(swarm: SwarmCase) throws { try run(swarm) }

    private func run(_ swarm: SwarmCase) throws {
        let bench = try Bench(byteCount: swarm.byteCount)
        let owner = try bench.owner { options in
            options.common.take(swarm)
            options.chunkByteCount = swarm.chunkByteCount
            options.peerCount = swarm.peerCount
        }
        let names = (0..<swarm.peerCount).map { "peer-\($0)" }
        let peers = try names.map { name in try bench.peer(name, of: owner.port) { $0.common.take(swarm) } }
        for peer in peers { try check(peer.report(), bench, swarm) }
        let report = try owner.report()
        #expect(report.members.count == swarm.peerCount)
        #expect(report.members.allSatisfy { $0.isComplete })
        // Where the machine is busy a chunk may come late and be sent a second time.
        let most = UInt64(swarm.byteCount + swarm.byteCount / 10) + 4 * UInt64(swarm.chunkByteCount)
        #expect(report.sentByteCount <= most)
        for name in names {
            #expect(bench.output(name) == bench.bytes)
            try checkFolder(bench.folder(name), bench, swarm, report.contentID)
        }
        try checkFolder(bench.folder("owner"), bench, swarm, report.contentID)
    }

    private func check(_ report: PeerReport, _ bench: Bench, _ swarm: SwarmCase) throws {
        #expect(report.name == "file.bin")
        #expect(report.fileByteCount == UInt64(swarm.byteCount))
        #expect(report.transport == swarm.transport.rawValue)
        #expect(report.badChunkSources.isEmpty)
        let fetched = report.bytesFromOwner + report.bytesFromPeers
        #expect(fetched == UInt64(swarm.byteCount))
        #expect(report.contentID == (try ContentID.compute(path: bench.file, chunkByteCount: swarm.chunkByteCount)))
    }

    /// The summary lists every chunk; chunk files are the chunks.
    private func checkFolder(_ folder: String, _ bench: Bench, _ swarm: SwarmCase, _ contentID: Digest?) throws {
        let summary = try #require(SummaryFile.read(folder + "/summary.txt"))
        #expect(summary.name == "file.bin")
        #expect(summary.chunks.isFull)
        #expect(summary.contentID == contentID)
        guard swarm.store == .chunks else {
            #expect(!Scratch.names(in: folder).contains("chunks"))
            return
        }
        let chunkFolders = Scratch.names(in: folder + "/chunks").map { "\(folder)/chunks/\($0)" }
        let files = chunkFolders.flatMap { path in Scratch.names(in: path).map { "\(path)/\($0)" } }
        #expect(files.flatMap { Scratch.read($0) ?? [] } == bench.bytes)
        #expect(files.count == Int(summary.layout.chunkCount))
    }
}
