import Glibc

extension Socket {
    /// Sends the end of the stream and reads on, until the other side has closed too or the time is over: closing with
    /// unread bytes would reset the connection and take the last words with it (RFC 1122, section 4.2.2.13).
    public func finishSending(untilNanoseconds deadline: UInt64) {
        guard System.outcome("shutdown", { Glibc.shutdown(descriptor, CInt(SHUT_WR)) }).1 == 0 else { return }
        withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 16) { scratch in
            while MonotonicClock.nowNanoseconds < deadline {
                switch try? receive(into: scratch) {
                case .bytes: continue
                case .closed, nil: return
                case .wouldBlock:
                    _ = try? WaitPoint.wait(
                        socket: descriptor, forReading: true, forWriting: false, wake: nil, untilNanoseconds: deadline)
                }
            }
        }
    }
}
