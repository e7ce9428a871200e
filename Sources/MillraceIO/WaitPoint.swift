import CLiburing
import Glibc

/// The one place where a connection's thread waits: its socket and its wake-up in one ppoll(2).
public enum WaitPoint {
    public struct Ready: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let readable = Ready(rawValue: 1)
        public static let writable = Ready(rawValue: 2)
        public static let woken = Ready(rawValue: 4)
        /// The socket reports an error or a hang-up: the next receive or send tells which.
        public static let failed = Ready(rawValue: 8)
    }

    /// Waits for the socket, the wake-up or the deadline on the monotonic clock (nil: for ever); empty means time-out.
    /// Drains the wake-up when it was the cause.
    public static func wait(
        socket: CInt, forReading: Bool, forWriting: Bool, wake: WakeUp?, untilNanoseconds deadline: UInt64?
    ) throws(SystemError) -> Ready {
        let events = (forReading ? POLLIN : 0) | (forWriting ? POLLOUT : 0)
        var entries = (
            pollfd(fd: socket, events: Int16(events), revents: 0),
            pollfd(fd: wake?.descriptor ?? -1, events: Int16(POLLIN), revents: 0)
        )
        try poll(&entries, untilNanoseconds: deadline)
        var ready: Ready = []
        let socketEvents = CInt(entries.0.revents)
        if socketEvents & POLLIN != 0 { ready.insert(.readable) }
        if socketEvents & POLLOUT != 0 { ready.insert(.writable) }
        if socketEvents & (POLLERR | POLLHUP | POLLNVAL) != 0 { ready.insert(.failed) }
        if entries.1.revents != 0 {
            ready.insert(.woken)
            wake?.drain()
        }
        return ready
    }

    private static func poll(_ entries: inout (pollfd, pollfd), untilNanoseconds deadline: UInt64?) throws(SystemError)
    {
        let (_, code) = withUnsafeMutablePointer(to: &entries) { pair in
            pair.withMemoryRebound(to: pollfd.self, capacity: 2) { list in
                // The time left is taken anew for each try, so that interruptions never lengthen the wait.
                System.outcome("ppoll") {
                    guard let deadline else { return ppoll(list, 2, nil, nil) }
                    let now = MonotonicClock.nowNanoseconds
                    let left = deadline > now ? deadline - now : 0
                    var time = timespec(
                        tv_sec: Int(clamping: left / 1_000_000_000), tv_nsec: Int(left % 1_000_000_000))
                    return ppoll(list, 2, &time, nil)
                }
            }
        }
        guard code == 0 else { throw SystemError(call: "ppoll", errno: code) }
    }
}
