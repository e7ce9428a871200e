import MillraceIO
import MillraceStore
import MillraceWire
import Testing

@testable import MillraceNode

@Suite struct PeerContentTests {
    private let scratch: Scratch
    private let layout: ChunkLayout

    init() throws {
        scratch = try Scratch()
        layout = try ChunkLayout(fileByteCount: 3000, chunkByteCount: 1024)
    }

    private func open(_ name: String, output: String?) throws -> PeerContent {
        let folder = scratch.path + "/peer"
        var options = PeerOptions(
            owner: Endpoint(host: nil, port: 9), listen: Endpoint(host: nil, port: 0),
            common: CommonOptions(folder: folder))
        options.output = output
        return try PeerContent(
            welcome: WelcomeMessage(peer: 0, layout: layout, name: name), options: options,
            lock: FolderLock(path: folder))
    }

    @Test(arguments: ["", "..", "a/b", "movie.part"]) func whereAnOutputIsGivenTheNameIsNoFiles(name: String) throws {
        let output = scratch.path + "/movie"
        #expect(try open(name, output: output).folder.outputPath == output)
        let error = #expect(throws: StoreError.self) { _ = try open(name, output: nil) }
        #expect("\(error!)".contains("give one with --output"))
    }

    @Test func aNameThatWouldBreakALineIsRefusedAllTheSame() throws {
        let error = #expect(throws: StoreError.self) { _ = try open("a\nb", output: scratch.path + "/movie") }
        #expect("\(error!)".contains("rename it") && !"\(error!)".contains("--output"))
    }
}
