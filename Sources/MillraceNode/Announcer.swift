import MillraceIO
import MillraceWire

/// The thread of an owner that answers those who look for owners on the link.
final class Announcer: Sendable {
    /// Where questions over IPv4 or IPv6 come in, and where the answers go out.
    private struct End: Sendable {
        let heard: DatagramSocket
        let said: DatagramSocket
    }

    private let node: OwnerNode
    private let ends: [End]
    private let wake: WakeUp

    /// Joins the group on every interface, or on the one whose address the owner listens on; over IPv4 and IPv6 where
    /// the owner can be reached by both.
    init(node: OwnerNode) throws(NodeFailure) {
        self.node = node
        do throws(SystemError) {
            wake = try WakeUp()
            ends = try Discovery.wherePossible(Announcer.hosts(node.options.listen), Announcer.end)
            if ends.isEmpty { throw SystemError(call: "announce", errno: 0, subject: nil) }
        } catch {
            throw NodeFailure(
                .network, "can't announce on the link (\(error)); leave --announce away and give peers the address")
        }
    }

    func start() throws(SystemError) {
        _ = try WorkerThread.start(name: "announce") { self.run() }
    }

    func stop() { wake.signal() }

    /// The addresses to answer from: all of both families, or the one the owner listens on.
    private static func hosts(_ listen: Endpoint) -> [SocketAddress.Host] {
        guard let name = listen.host else { return Discovery.bothFamilies }
        guard let host = try? Resolver.resolve(host: name, port: listen.port).first?.host else { return [] }
        return host == .anyIPv6 ? Discovery.bothFamilies : [host]
    }

    private static func end(_ host: SocketAddress.Host) throws(SystemError) -> End {
        let group = SocketAddress(discoveryGroupLike: host)
        let interfaces = try LinkInterface.all().filter {
            host.isAny ? $0.speaks(likeHost: host) : $0.hosts.contains(host)
        }
        return End(
            heard: try DatagramSocket(group: group, on: interfaces), said: try DatagramSocket(boundTo: host))
    }

    private func run() {
        var pace = DiscoveryPace(now: MonotonicClock.nowNanoseconds)
        let buffer = BufferPool(byteCount: DiscoveryLimits.queryByteCount + 1, keep: 0).take()
        while !node.isLeaving {
            var waiting = PollSet()
            let places = ends.map { waiting.add($0.heard.descriptor) }
            let woken = waiting.add(wake.descriptor)
            do { try waiting.wait(untilNanoseconds: .max) } catch { return }
            guard !waiting.isReady(woken) else { return }
            for (place, end) in zip(places, ends) where waiting.isReady(place) { answer(on: end, buffer.bytes, &pace) }
        }
    }

    private func answer(on end: End, _ buffer: UnsafeMutableRawBufferPointer, _ pace: inout DiscoveryPace) {
        while let (byteCount, asker) = end.heard.receive(into: buffer) {
            // Nobody beyond the link has such an address; the group of IPv4 is bound.
            guard !asker.host.isIPv6 || asker.host.isLinkLocal || asker.host == .v6(high: 0, low: 1, scope: 0) else {
                continue
            }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<byteCount])
            guard let query = DiscoveryQuery(bytes.bytes) else { continue }
            guard pace.allows(at: MonotonicClock.nowNanoseconds) else { continue }
            end.said.send(reply(to: query).datagram, to: asker)
        }
    }

    private func reply(to query: DiscoveryQuery) -> DiscoveryReply {
        DiscoveryReply(
            token: query.token, listenPort: node.listenPort, layout: node.layout, name: node.file.name,
            swarm: node.swarm, contentID: node.state.withLock { $0.manifest.contentID })
    }
}

extension SocketAddress {
    /// Where queries go, over IPv4 or IPv6 as with this host.
    init(discoveryGroupLike host: Host) {
        let group: Host =
            host.isIPv6
            ? .v6(high: DiscoveryLimits.groupHigh, low: DiscoveryLimits.groupLow, scope: 0)
            : .v4(DiscoveryLimits.groupBits)
        self.init(host: group, port: DiscoveryLimits.port)
    }
}
