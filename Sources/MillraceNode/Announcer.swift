import MillraceIO
import MillraceWire

/// The thread of an owner that answers those who look for owners on the link.
final class Announcer: Sendable {
    private let node: OwnerNode
    private let heard: DatagramSocket
    private let said: DatagramSocket
    private let wake: WakeUp

    /// Joins the group on every interface, or on the one whose address the owner listens on.
    init(node: OwnerNode) throws(NodeFailure) {
        self.node = node
        do throws(SystemError) {
            var (bits, interfaces): (UInt32, [LinkInterface]) = (0, LinkInterface.all())
            if let host = node.options.listen.host {
                guard let address = try? Resolver.resolve(host: host, port: node.listenPort).first,
                    case .v4(let own) = address.host
                else { throw SystemError(call: "announce", errno: 0, subject: host) }
                if own != 0 { (bits, interfaces) = (own, interfaces.filter { $0.address == own }) }
            }
            heard = try DatagramSocket(group: DiscoveryLimits.groupBits, port: DiscoveryLimits.port, on: interfaces)
            said = try DatagramSocket(boundTo: bits)
            wake = try WakeUp()
        } catch {
            throw NodeFailure(
                .network,
                error.call == "announce"
                    ? "--announce goes over IPv4 and \(error.subject ?? "LISTEN") is none; listen on a port alone"
                    : "can't announce on the link (\(error)); leave --announce away and give peers the address")
        }
    }

    func start() throws(SystemError) {
        _ = try WorkerThread.start(name: "announce") { self.run() }
    }

    func stop() { wake.signal() }

    private func run() {
        var pace = DiscoveryPace(now: MonotonicClock.nowNanoseconds)
        let buffer = BufferPool(byteCount: DiscoveryLimits.queryByteCount + 1, keep: 0).take()
        while !node.isLeaving {
            guard
                let ready = try? WaitPoint.wait(
                    socket: heard.descriptor, forReading: true, forWriting: false, wake: wake, untilNanoseconds: nil)
            else { return }
            if ready.contains(.woken) { return }
            while let (byteCount, asker) = heard.receive(into: buffer.bytes) {
                let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<byteCount])
                guard let query = DiscoveryQuery(bytes.bytes) else { continue }
                guard pace.allows(at: MonotonicClock.nowNanoseconds) else { continue }
                said.send(reply(to: query).datagram, to: asker)
            }
        }
    }

    private func reply(to query: DiscoveryQuery) -> DiscoveryReply {
        DiscoveryReply(
            token: query.token, listenPort: node.listenPort, layout: node.layout, name: node.file.name,
            swarm: node.swarm, contentID: node.state.withLock { $0.manifest.contentID })
    }
}
