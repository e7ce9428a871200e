import ArgumentParser
import MillraceNode

struct OwnerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "owner", abstract: "Serves a file to any number of peers.")

    // Fish counts only the arguments that offer something, so the file's place hangs on this one.
    @Argument(help: "Port to listen on, or HOST:PORT for one address only.", completion: .list(["9000"]))
    var listen: Endpoint

    @Argument(help: "The file.", completion: .file())
    var file: String

    @Option(name: .customLong("chunk-size"), help: "Bytes in a chunk, 1KiB to 16MiB.")
    var chunkSize = ByteSize(byteCount: UInt64(WireLimits.defaultChunkByteCount))

    @Option(help: "Leave with 0 once this many peers have verified the file.")
    var peers: Int?

    @Option(help: "Seconds to wait for late peers once all that came are done; without --peers.")
    var linger: Double = 60

    @Flag(help: "Answer those on this link who look for owners with peer --discover.")
    var announce = false

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        if let peers, peers < 1 { throw ValidationError("--peers takes a number from 1") }
        guard linger >= 0, linger.isFinite else { throw ValidationError("--linger takes seconds, 0 or more") }
        try chunkSize.checkAsChunkSize()
    }

    func run() throws {
        let interrupts = try caughtInterrupts()
        var options = OwnerOptions(
            listen: listen, file: file,
            common: try shared.common(folder: "owner-\(listen.port)", lingerSeconds: linger))
        options.chunkByteCount = UInt32(chunkSize.byteCount)
        options.peerCount = peers
        options.isAnnounced = announce
        let node = try OwnerNode(options)
        try shared.withHTTP(node) {
            defer { node.tellReport(interrupt: interrupts.descriptor) }
            _ = try node.run(interrupt: interrupts.descriptor)
        }
    }
}
