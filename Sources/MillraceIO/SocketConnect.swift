import Glibc

extension Socket {
    /// Connects within the time given. Throws ETIMEDOUT when that is over and ECANCELED when the wake-up is signalled,
    /// which it drains.
    public static func connect(
        to address: SocketAddress, timeoutNanoseconds: UInt64, wake: WakeUp?
    ) throws(SystemError) -> Socket {
        let stream = try System.streamSocket(family: address.family, "\(address)")
        let (_, code) = address.withSystemForm { form, length in
            System.outcome("connect") { Glibc.connect(stream.rawValue, form, length) }
        }
        // A connect that was interrupted goes on by itself: the second try says EALREADY.
        if code == EINPROGRESS || code == EALREADY {
            let (deadline, overflow) = MonotonicClock.nowNanoseconds.addingReportingOverflow(timeoutNanoseconds)
            try finish(stream, address, untilNanoseconds: overflow ? nil : deadline, wake: wake)
        } else if code != 0, code != EISCONN {
            throw SystemError(call: "connect", errno: code, subject: "\(address)")
        }
        let local = try System.localAddress(of: stream.rawValue)
        return Socket(stream, local: local, remote: address)
    }

    private static func finish(
        _ stream: borrowing Descriptor, _ address: SocketAddress, untilNanoseconds deadline: UInt64?, wake: WakeUp?
    ) throws(SystemError) {
        let ready = try WaitPoint.wait(
            socket: stream.rawValue, forReading: false, forWriting: true, wake: wake, untilNanoseconds: deadline)
        if ready.contains(.woken) { throw SystemError(call: "connect", errno: ECANCELED, subject: "\(address)") }
        if ready.isEmpty { throw SystemError(call: "connect", errno: ETIMEDOUT, subject: "\(address)") }
        let code = try System.pendingError(of: stream.rawValue)
        guard code == 0 else { throw SystemError(call: "connect", errno: code, subject: "\(address)") }
    }
}
