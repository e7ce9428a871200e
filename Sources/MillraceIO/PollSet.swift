import CLiburing
import Glibc

/// Waits for any of several descriptors to become readable, or to fail (ppoll(2)).
public struct PollSet {
    private var entries: [pollfd] = []

    public init() {}

    public mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    /// Returns the place at which `isReady` tells of it.
    @discardableResult
    public mutating func add(_ descriptor: CInt) -> Int {
        entries.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        return entries.count - 1
    }

    /// Returns when one is ready or the deadline on the monotonic clock has passed.
    public mutating func wait(untilNanoseconds deadline: UInt64) throws(SystemError) {
        let (_, code) = entries.withUnsafeMutableBufferPointer { list in
            System.outcome("ppoll") {
                let now = MonotonicClock.nowNanoseconds
                let left = deadline > now ? deadline - now : 0
                var time = timespec(tv_sec: Int(clamping: left / 1_000_000_000), tv_nsec: Int(left % 1_000_000_000))
                return ppoll(list.baseAddress, nfds_t(list.count), &time, nil)
            }
        }
        guard code == 0 else { throw SystemError(call: "ppoll", errno: code) }
    }

    public func isReady(_ place: Int) -> Bool { entries[place].revents != 0 }
}
