import CLiburing
import Glibc

/// Every system call of the project goes through here: interrupted calls are retried, failures get a name.
package enum System {
    /// The one place every result passes: -1 means failure with `errno` set, EINTR is tried again.
    @inline(__always)
    static func outcome<Result: SignedInteger>(_ call: StaticString, _ body: () -> Result) -> (Result, CInt) {
        while true {
            let result = body()
            if result != -1 { return (result, 0) }
            let code = errno
            if code != EINTR { return (result, code) }
        }
    }

    /// The result of a call that has no expected failure.
    @inline(__always) @discardableResult
    static func check<Result: SignedInteger>(
        _ call: StaticString, _ subject: @autoclosure () -> String? = nil, _ body: () -> Result
    ) throws(SystemError) -> Result {
        let (result, code) = outcome(call, body)
        guard code == 0 else { throw SystemError(call: "\(call)", errno: code, subject: subject()) }
        return result
    }

    /// The result of a call on a non-blocking descriptor; nil where it would block.
    @inline(__always)
    static func attempt<Result: SignedInteger>(
        _ call: StaticString, _ subject: @autoclosure () -> String? = nil, _ body: () -> Result
    ) throws(SystemError) -> Result? {
        let (result, code) = outcome(call, body)
        if code == 0 { return result }
        if code == EAGAIN || code == EWOULDBLOCK { return nil }
        throw SystemError(call: "\(call)", errno: code, subject: subject())
    }
}
