import CLiburing
import Glibc

/// What one receive or send did.
public enum Transfer: Sendable, Equatable {
    case bytes(Int)
    case wouldBlock
    /// The other side has ended its stream in good order (receive only).
    case closed
}

/// A connected, non-blocking TCP stream. Closed when its owner goes away.
public struct Socket: ~Copyable, Sendable {
    private let stream: Descriptor
    public let localAddress: SocketAddress
    public let remoteAddress: SocketAddress

    init(_ stream: consuming Descriptor, local: SocketAddress, remote: SocketAddress) {
        localAddress = local
        remoteAddress = remote
        self.stream = stream
        tune()
    }

    public var descriptor: CInt { stream.rawValue }

    /// Whether the other side is on this machine: both have one address.
    public var isLocal: Bool { localAddress.host == remoteAddress.host }

    /// Receives what has come, at most the buffer's size.
    public func receive(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Transfer {
        precondition(buffer.count > 0, "an empty buffer can't tell data from the end")
        let count = try System.attempt("recv", "\(remoteAddress)") {
            recv(descriptor, buffer.baseAddress, System.length("recv", buffer.count), 0)
        }
        return Socket.received(count)
    }

    /// Receives into two buffers with one call, the second after the first is full.
    public func receive(
        into first: UnsafeMutableRawBufferPointer, then second: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Transfer {
        precondition(first.count > 0 || second.count > 0, "an empty buffer can't tell data from the end")
        var parts = (
            iovec(iov_base: first.baseAddress, iov_len: first.count),
            iovec(iov_base: second.baseAddress, iov_len: second.count)
        )
        let wanted = System.length("readv", first.count + second.count)
        if wanted < first.count { parts.0.iov_len = wanted }
        parts.1.iov_len = min(second.count, wanted - parts.0.iov_len)
        let (count, code) = withUnsafeMutablePointer(to: &parts) { pair in
            pair.withMemoryRebound(to: iovec.self, capacity: 2) { list in
                System.outcome("readv") { readv(descriptor, list, 2) }
            }
        }
        if code == EAGAIN { return .wouldBlock }
        guard code == 0 else { throw SystemError(call: "readv", errno: code, subject: "\(remoteAddress)") }
        return Socket.received(count)
    }

    /// Sends what fits. `more` says that bytes follow at once, which may then share a packet (MSG_MORE).
    public func send(_ bytes: UnsafeRawBufferPointer, more: Bool = false) throws(SystemError) -> Transfer {
        let flags = CInt(MSG_NOSIGNAL) | (more ? CInt(MSG_MORE) : 0)
        let count = try System.attempt("send", "\(remoteAddress)") {
            Glibc.send(descriptor, bytes.baseAddress, System.length("send", bytes.count), flags)
        }
        return count.map { .bytes($0) } ?? .wouldBlock
    }

    /// Ends both directions; a thread that waits on the socket sees it at once.
    public func shutdown() {
        _ = System.outcome("shutdown") { Glibc.shutdown(descriptor, CInt(SHUT_RDWR)) }
    }

    /// How many bytes may wait unsent in the kernel before the socket stops being writable (TCP_NOTSENT_LOWAT).
    public func setUnsentLimit(byteCount: Int) {
        try? System.setOption(descriptor, CInt(IPPROTO_TCP), TCP_NOTSENT_LOWAT, CInt(clamping: byteCount))
    }

    /// The most bytes that one packet of this connection carries (TCP_MAXSEG, tcp(7)).
    public var segmentByteCount: Int {
        let found = try? System.option(of: descriptor, CInt(IPPROTO_TCP), TCP_MAXSEG)
        return found.map { Int($0) } ?? Socket.usualSegmentByteCount
    }

    /// That of Ethernet with an MTU of 1500.
    private static let usualSegmentByteCount = 1448

    /// The shortest round trip that this connection has seen (tcpi_min_rtt of TCP_INFO, tcp(7)), which is that of the
    /// link without the queues in it; nil before the first, and where the kernel does not say.
    public var leastRoundTripNanoseconds: UInt64? {
        let place = millrace_TCPI_MIN_RTT_OFFSET
        guard let microseconds = try? System.option(of: descriptor, CInt(IPPROTO_TCP), TCP_INFO, at: place),
            microseconds < .max
        else { return nil }
        return UInt64(microseconds) * 1000
    }

    /// How many bytes may wait unsent or unacknowledged in the kernel (SO_SNDBUF, which the kernel doubles); nil leaves
    /// it to the kernel again (SO_BUF_LOCK, from Linux 5.14), or takes what it allows.
    public func setQueueLimit(byteCount: Int?) {
        if byteCount == nil, (try? System.setOption(descriptor, SOL_SOCKET, SO_BUF_LOCK, 0)) != nil { return }
        let half = CInt(clamping: (byteCount ?? 4 * SendLimits.mostQueueByteCount) / 2)
        try? System.setOption(descriptor, SOL_SOCKET, SO_SNDBUF, half)
    }

    /// How many bytes wait unsent or unacknowledged in the kernel (SIOCOUTQ, tcp(7)); none where it does not say.
    var queuedByteCount: Int {
        var count: CInt = 0
        let (_, code) = System.outcome("ioctl") { millrace_queued_bytes(descriptor, &count) }
        return code == 0 ? Int(count) : 0
    }

    /// Lets a wait for reading end only when so many bytes have arrived, or the stream has ended (SO_RCVLOWAT): on a
    /// slow link a chunk would else wake its thread once for every packet or two.
    public func setReceiveMinimum(byteCount: Int) {
        try? System.setOption(descriptor, SOL_SOCKET, SO_RCVLOWAT, CInt(clamping: byteCount))
    }

    private static func received(_ count: Int?) -> Transfer {
        guard let count else { return .wouldBlock }
        return count == 0 ? .closed : .bytes(count)
    }

    /// Options that make a connection better but none unusable: a failure is no reason to lose it.
    private func tune() {
        let tcp = CInt(IPPROTO_TCP)
        try? System.setOption(descriptor, tcp, TCP_NODELAY, 1)
        // CUBIC leaves slow start as soon as a queue forms (HyStart, RFC 9406), and with chunks as bursts and few of
        // them in flight its window then hardly grows: some connections stay slow for the whole run. Reno does not.
        try? System.setOption(descriptor, tcp, TCP_CONGESTION, "reno")
        try? System.setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        try? System.setOption(descriptor, tcp, TCP_KEEPIDLE, 10)
        try? System.setOption(descriptor, tcp, TCP_KEEPINTVL, 5)
        try? System.setOption(descriptor, tcp, TCP_KEEPCNT, 3)
        try? System.setOption(descriptor, tcp, TCP_USER_TIMEOUT, 30_000)
    }
}
