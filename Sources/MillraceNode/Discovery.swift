import MillraceIO
import MillraceWire

/// An owner that was found on the link.
public struct FoundOwner: Sendable, Equatable {
    public let endpoint: Endpoint
    public let name: String
    public let fileByteCount: UInt64
    public let contentID: Digest?
    let swarm: NodeToken

    init(_ reply: DiscoveryReply, from address: SocketAddress) {
        var host = "\(SocketAddress(host: address.host, port: 0))"
        host.removeLast(2)
        endpoint = Endpoint(host: host, port: reply.listenPort)
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
    /// Queries of one look: two more than needed where nothing gets lost.
    private static let queryCount = 3
    private static let queryNanoseconds: UInt64 = 250_000_000
    private static let longestPauseNanoseconds: UInt64 = 2_000_000_000

    /// Asks a few times and takes what comes within a second, in the order it came.
    public static func look() throws(NodeFailure) -> [FoundOwner] {
        do throws(SystemError) {
            let socket = try DatagramSocket(boundTo: 0)
            var found: [FoundOwner] = []
            let token = UInt64.random(in: .min ... .max)
            let query = DiscoveryQuery(token: token).datagram
            let group = SocketAddress(host: .v4(DiscoveryLimits.groupBits), port: DiscoveryLimits.port)
            for turn in 0...queryCount {
                if turn < queryCount {
                    for interface in LinkInterface.all() { socket.send(query, to: group, by: interface) }
                }
                try collect(from: socket, token, untilNanoseconds: MonotonicClock.nowNanoseconds + queryNanoseconds) {
                    owner in
                    if !found.contains(where: { $0.swarm == owner.swarm }) { found.append(owner) }
                }
            }
            return found
        } catch {
            throw NodeFailure(
                .network, "can't look for owners on the link (\(error)); give the owner's address instead")
        }
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
        from socket: borrowing DatagramSocket, _ token: UInt64, untilNanoseconds deadline: UInt64,
        _ take: (FoundOwner) -> Void
    ) throws(SystemError) {
        let buffer = BufferPool(byteCount: DiscoveryLimits.queryByteCount + 1, keep: 0).take()
        while MonotonicClock.nowNanoseconds < deadline {
            let ready = try WaitPoint.wait(
                socket: socket.descriptor, forReading: true, forWriting: false, wake: nil, untilNanoseconds: deadline)
            guard !ready.isEmpty else { return }
            while let (byteCount, address) = socket.receive(into: buffer.bytes) {
                let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<byteCount])
                guard let reply = DiscoveryReply(bytes.bytes), reply.token == token else { continue }
                take(FoundOwner(reply, from: address))
            }
        }
    }
}
