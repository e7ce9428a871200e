import ArgumentParser
import MillraceNode

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Runs an owner and five peers as processes on this machine and checks the copies.")

    @Argument(help: "A file to distribute; one of 256 MB is made if it is left out.", completion: .file())
    var file: String?

    @Option(help: "How many peers.")
    var peers = 5

    @Option(help: "How chunks are kept: chunks or flat.")
    var store = "chunks"

    @Flag(help: "Keep the folders of owner and peers instead of removing them.")
    var keep = false

    func validate() throws {
        guard (1...100).contains(peers) else { throw ValidationError("--peers takes 1 to 100") }
        guard ["chunks", "flat"].contains(store) else { throw ValidationError("--store takes chunks or flat") }
    }

    func run() throws {}
}
