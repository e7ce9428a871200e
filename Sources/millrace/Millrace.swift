import ArgumentParser
import MillraceNode

@main
struct Millrace: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace",
        abstract: "Pushes one big file to every machine of a LAN, verified, as fast as the wire.",
        discussion: """
            On the machine that has the file:    millrace owner 9000 FILE
            On every machine that wants it:      millrace peer OWNER-HOST:9000 9001
            On one machine, to see it work:      millrace demo
            """,
        version: "millrace \(Version.text), protocol \(WireLimits.newestVersion), sends by \(Version.transport)",
        subcommands: [
            OwnerCommand.self, PeerCommand.self, VerifyCommand.self, DemoCommand.self, SimCommand.self,
            PlanCommand.self,
        ])

    static func main() {
        StandardStreams.fill()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            if let failure = NodeFailure(thrown: error) {
                if failure.code == .interrupted {
                    hurry { Output.error(failure.text) }
                } else {
                    Output.error(failure.text)
                }
                Self.exit(withError: ArgumentParser.ExitCode(failure.code.rawValue))
            }
            let code = exitCode(for: error)
            guard code != .success, !(error is ArgumentParser.ExitCode) else { exit(withError: error) }
            Output.error(usageText(error))
            Self.exit(withError: ArgumentParser.ExitCode(MillraceNode.ExitCode.usage.rawValue))
        }
    }
}

extension Millrace {
    /// One line: what is wrong, what the option or argument takes where the parser says that too, and where to read on.
    private static func usageText(_ error: any Error) -> String {
        var text = message(for: error)
        if text.hasSuffix(".") { text.removeLast() }
        let lines = fullMessage(for: error).split(separator: "\n")
        let help = lines.drop { !$0.hasPrefix("Help:") }.prefix { !$0.hasPrefix("Usage:") && !$0.hasPrefix("  See ") }
        // Behind the name of the option, with two blanks between.
        let takes = help.joined(separator: " ").split(separator: "  ").dropFirst(2).joined(separator: " ")
        guard !takes.isEmpty else { return text + "; see --help" }
        return "\(text) (\(takes.hasSuffix(".") ? String(takes.dropLast()) : takes)); see --help"
    }
}

enum Version {
    static let text = "0.1.0"
    static var transport: String {
        let chunks = TransportChoice.choose(nil, forChunkFiles: true)
        let flat = TransportChoice.choose(nil, forChunkFiles: false)
        return "\(chunks) or \(flat)"
    }
}

/// Whole lines to the terminal.
enum Output {
    /// What the command was asked for: whoever keeps it in a file must hear that it is not all there.
    static func line(_ text: String) throws(NodeFailure) {
        do {
            try write(text, to: 1)
        } catch let fault as SystemError where fault.isConnectionLoss {
            // Whoever reads has seen enough.
        } catch {
            let code = NodeFailure(thrown: error)?.code ?? .fileFault
            throw NodeFailure(code, "can't write to stdout: \(error); send it elsewhere")
        }
    }

    static func error(_ text: String) {
        // Nobody is left to be told when the terminal is gone.
        try? write("millrace: \(text)", to: 2)
    }

    private static func write(_ text: String, to descriptor: CInt) throws {
        try Array("\(text)\n".utf8).withUnsafeBytes { try Console.write($0, to: descriptor) }
    }
}
