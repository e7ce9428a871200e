import Glibc

extension Socket {
    /// Looks at what has come, up to the buffer's size, without taking it (MSG_PEEK).
    public func peek(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Transfer {
        precondition(buffer.count > 0, "an empty buffer can't tell data from the end")
        let count = try System.attempt("recv", "\(remoteAddress)") {
            recv(descriptor, buffer.baseAddress, buffer.count, CInt(MSG_PEEK))
        }
        guard let count else { return .wouldBlock }
        return count == 0 ? .closed : .bytes(count)
    }
}
