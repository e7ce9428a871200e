import MillraceIO
import MillraceWire

/// An owner that was found on the link.
public struct FoundOwner: Sendable, Equatable {
    public let endpoint: Endpoint
    public let name: String
    public let fileByteCount: UInt64
    public let contentID: Digest?
    let swarm: NodeToken

    /// Its address means something on one link only, and needs the name of the interface.
    let isLinkLocal: Bool

    init(_ reply: DiscoveryReply, from address: SocketAddress) {
        isLinkLocal = address.host.isLinkLocal
        endpoint = Endpoint(host: address.host.text, port: reply.listenPort)
        name = Columns.printable(reply.name)
        fileByteCount = reply.layout.fileByteCount
        contentID = reply.contentID
        swarm = reply.swarm
    }

    /// `10.0.0.7:9000  image.qcow2  40 GB  content ID 0123456789ab…`
    public var text: String {
        let short = contentID.map { "content ID \($0.hex.prefix(12))…" } ?? "content ID not known yet"
        return "\(endpoint)  \(name)  \(ProgressUnits.size(Double(fileByteCount)))  \(short)"
    }
}

/// Looks for owners on the link that announce themselves.
public enum Discovery {
    /// A socket that asks over the family of its host.
    private struct Asking {
        let socket: DatagramSocket
        let host: SocketAddress.Host
    }

    /// Queries of one look: two more than needed where nothing gets lost.
    private static let queryCount = 3
    private static let queryNanoseconds: UInt64 = 250_000_000
    private static let longestPauseNanoseconds: UInt64 = 2_000_000_000

    /// Asks a few times, over IPv4 and IPv6, and takes what comes within a second, in the order it came.
    public static func look() throws(NodeFailure) -> [FoundOwner] {
        do throws(SystemError) {
            let asking = try wherePossible(bothFamilies) { host throws(SystemError) in
                Asking(socket: try DatagramSocket(boundTo: host), host: host)
            }
            var found: [FoundOwner] = []
            let token = UInt64.random(in: .min ... .max)
            for turn in 0...queryCount {
                if turn < queryCount { try ask(token, asking) }
                try collect(from: asking.map(\.socket), token, for: queryNanoseconds) { note($0, in: &found) }
            }
            return found
        } catch {
            throw NodeFailure(
                .network, "can't look for owners on the link (\(error)); give the owner's address instead")
        }
    }

    static let bothFamilies: [SocketAddress.Host] = [.anyIPv4, .anyIPv6]

    /// What `open` makes of each host where it can: a machine may have one family only. Throws the first reason where
    /// it can for none.
    static func wherePossible<Opened>(
        _ hosts: [SocketAddress.Host], _ open: (SocketAddress.Host) throws(SystemError) -> Opened
    ) throws(SystemError) -> [Opened] {
        var (opened, fault): ([Opened], SystemError?) = ([], nil)
        for host in hosts {
            do throws(SystemError) { opened.append(try open(host)) } catch { fault = fault ?? error }
        }
        if opened.isEmpty, let fault { throw fault }
        return opened
    }

    private static func ask(_ token: UInt64, _ asking: [Asking]) throws(SystemError) {
        let query = DiscoveryQuery(token: token).datagram
        for interface in try LinkInterface.all() {
            for one in asking where interface.speaks(likeHost: one.host) {
                one.socket.send(query, to: SocketAddress(discoveryGroupLike: one.host), by: interface)
            }
        }
    }

    /// An owner that answers by several ways is one; an address that is good anywhere is better than a link's own.
    static func note(_ owner: FoundOwner, in found: inout [FoundOwner]) {
        guard let place = found.firstIndex(where: { $0.swarm == owner.swarm }) else { return found.append(owner) }
        if found[place].isLinkLocal, !owner.isLinkLocal { found[place] = owner }
    }

    /// Looks again and again until there are owners, or until the time is over.
    ///
    /// - Parameters:
    ///   - timeoutSeconds: 0 for ever.
    ///   - interrupt: a descriptor that becomes readable when the search shall end.
    public static func wait(
        contentID: Digest?, timeoutSeconds: Double, interrupt: CInt, notice: (String) -> Void
    ) throws(NodeFailure) -> FoundOwner {
        let start = MonotonicClock.nowNanoseconds
        let end = timeoutSeconds <= 0 ? UInt64.max : start.adding(UInt64(min(timeoutSeconds, 1e9) * 1e9))
        var isTold = false
        while true {
            let found = try look().filter { contentID == nil || $0.contentID == contentID }
            if found.count == 1 { return found[0] }
            if found.count > 1 { throw choice(found) }
            let now = MonotonicClock.nowNanoseconds
            guard now < end else {
                throw NodeFailure(
                    .network,
                    "no owner on this link announces itself; start it with --announce, or give its address")
            }
            if !isTold { notice("no owner announces itself on this link yet; looking on") }
            isTold = true
            let ready = try? WaitPoint.wait(
                socket: interrupt, forReading: interrupt >= 0, forWriting: false, wake: nil,
                untilNanoseconds: min(end, now + longestPauseNanoseconds))
            if ready?.contains(.readable) == true { throw NodeFailure(.interrupted, "interrupted") }
        }
    }

    private static func choice(_ found: [FoundOwner]) -> NodeFailure {
        let list = found.map { "\n  \($0.text)" }.joined()
        return NodeFailure(
            .usage, "\(found.count) owners announce themselves; give the address of one, or --content:\(list)")
    }

    private static func collect(
        from sockets: [DatagramSocket], _ token: UInt64, for nanoseconds: UInt64, _ take: (FoundOwner) -> Void
    ) throws(SystemError) {
        let buffer = BufferPool(byteCount: DiscoveryLimits.queryByteCount + 1, keep: 0).take()
        let deadline = MonotonicClock.nowNanoseconds + nanoseconds
        while MonotonicClock.nowNanoseconds < deadline {
            var waiting = PollSet()
            for socket in sockets { waiting.add(socket.descriptor) }
            try waiting.wait(untilNanoseconds: deadline)
            for socket in sockets {
                while let (byteCount, address) = socket.receive(into: buffer.bytes) {
                    let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<byteCount])
                    guard let reply = DiscoveryReply(bytes.bytes), reply.token == token else { continue }
                    take(FoundOwner(reply, from: address))
                }
            }
        }
    }
}
