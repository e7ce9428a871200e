import Glibc

/// Standard output and error, written whole.
public enum Console {
    /// Writes all bytes, waiting where the reader is slow. Throws EPIPE when nobody reads any more.
    public static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = try System.attempt("write") {
                Glibc.write(descriptor, rest.baseAddress, System.length("write", rest.count))
             }
            if let count {
                written += count
            } else {
                _ = try WaitPoint.wait(
                    socket: descriptor, forReading: false, forWriting: true, wake: nil, untilNanoseconds: nil)
            }
        }
    }

    public static func isTerminal(_ descriptor: CInt) -> Bool { isatty(descriptor) == 1 }
}
