import CLiburing
import Glibc

extension Socket {
    /// Lets the kernel spread what is sent evenly over time, packet by packet, at no more than this rate
    /// (SO_MAX_PACING_RATE; TCP paces by itself where the queueing discipline does not). Rates that the option can't
    /// express, from 2 GB/s, are left alone.
    public func setPacing(bytesPerSecond: UInt64) {
        guard let rate = CInt(exactly: bytesPerSecond) else { return }
        try? System.setOption(descriptor, SOL_SOCKET, SO_MAX_PACING_RATE, rate)
    }

    /// Bounds what the other side may have on its way unread (TCP_WINDOW_CLAMP): with slow reading it would else fill
    /// megabytes of buffer at full speed first.
    public func setWindowLimit(byteCount: Int) {
        try? System.setOption(descriptor, CInt(IPPROTO_TCP), TCP_WINDOW_CLAMP, CInt(clamping: byteCount))
    }
}
