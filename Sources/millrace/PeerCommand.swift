import ArgumentParser
import MillraceNode

struct PeerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer", abstract: "Fetches the file from its owner and other peers, and passes it on.")

    @Argument(help: "The owner: its port on this machine, or HOST:PORT.")
    var owner: Endpoint?

    @Argument(help: "Port to listen on for other peers, or HOST:PORT.")
    var listen: Endpoint?

    @Argument(help: "The download neighbour's port or HOST:PORT; the owner names one if it is left out.")
    var neighbour: Endpoint?

    @Option(help: "Where the file goes (default: its own name, in --dir).", completion: .file())
    var output: String?

    @Option(help: "Seconds to serve on with the whole file if the owner does not say that all are done.")
    var linger: Double = 30

    @Flag(help: "Find the owner on this link: give LISTEN first, or nothing to list those that announce themselves.")
    var discover = false

    @Flag(name: .customLong("ring-only"), help: "Fetch from the download neighbour alone, without chords.")
    var ringOnly = false

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard linger >= 0, linger.isFinite else { throw ValidationError("--linger takes seconds, 0 or more") }
        guard output != "" else { throw ValidationError("--output takes the path of a file, not an empty one") }
        guard !discover else {
            if neighbour != nil { throw ValidationError("with --discover give LISTEN and NEIGHBOUR alone") }
            return
        }
        guard owner != nil else {
            throw ValidationError("Missing expected argument '<owner>'; --discover finds one on this link")
        }
        guard listen != nil else { throw ValidationError("Missing expected argument '<listen>'") }
    }

    func run() throws {
        if discover, owner == nil { return try PeerAddresses.list() }
        let interrupts = try caughtInterrupts()
        let addresses = try PeerAddresses(self, interrupt: interrupts.descriptor)
        var options = PeerOptions(
            owner: addresses.owner, listen: addresses.listen,
            common: try shared.common(folder: "peer-\(addresses.listen.port)", lingerSeconds: linger))
        options.neighbour = addresses.neighbour
        options.output = output
        options.ringOnly = ringOnly
        let node = try PeerNode(options)
        try shared.withHTTP(node) {
            defer { node.tellReport(interrupt: interrupts.descriptor) }
            _ = try node.run(interrupt: interrupts.descriptor)
        }
    }
}
