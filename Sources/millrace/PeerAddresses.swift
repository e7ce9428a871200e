import ArgumentParser
import MillraceNode

/// The addresses of `millrace peer`: with `--discover` the owner's is not among them.
struct PeerAddresses {
    let owner: Endpoint
    let listen: Endpoint
    let neighbour: Endpoint?

    /// Finds the owner on the link where that is wanted.
    init(_ command: PeerCommand, interrupt: CInt) throws {
        let given = [command.owner, command.listen, command.neighbour].compactMap { $0 }
        guard command.discover else {
            (owner, listen, neighbour) = (given[0], given[1], given.count > 2 ? given[2] : nil)
            return
        }
        let found = try Discovery.wait(
            contentID: command.shared.content, timeoutSeconds: command.shared.timeout, interrupt: interrupt
        ) { if !command.shared.quiet { Output.error($0) } }
        if !command.shared.quiet { Output.error("found \(found.text)") }
        (owner, listen, neighbour) = (found.endpoint, given[0], given.count > 1 ? given[1] : nil)
    }

    /// Prints what there is on the link.
    static func list() throws {
        let found = try Discovery.look()
        guard !found.isEmpty else {
            throw NodeFailure(.network, "no owner on this link announces itself; start it with --announce")
        }
        for owner in found { try Output.line(owner.text) }
    }
}
