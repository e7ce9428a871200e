import ArgumentParser
import MillraceNode

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Prints a file's content ID, or checks it.")

    @Argument(help: "The file.", completion: .file())
    var file: String

    @Option(name: .customLong("chunk-size"), help: "Bytes in a chunk, as the owner was told.")
    var chunkSize = ByteSize(byteCount: UInt64(WireLimits.defaultChunkByteCount))

    @Option(help: "The content ID it should have; exit code 6 if it has another.")
    var content: Digest?

    func validate() throws { try chunkSize.checkAsChunkSize() }

    func run() throws {
        let found = try ContentID.compute(path: file, chunkByteCount: UInt32(chunkSize.byteCount))
        try Output.line("\(found)  \(file)")
        guard content == nil || content == found else {
            throw NodeFailure(.integrity, "\(file) has content ID \(found), not \(content?.hex ?? "")")
        }
    }
}
