import CLiburing
import Glibc

/// Every system call of the project goes through here: interrupted calls are retried, failures get a name, and tests
/// can make each one fail (`FaultInjection`). In a release build that is not there.
package enum System {
    /// The one place every result passes: -1 means failure with `errno` set, EINTR is tried again.
    @inline(__always)
    static func outcome<Result: SignedInteger>(_ call: StaticString, _ body: () -> Result) -> (Result, CInt) {
        while true {
            let injected = injectedCode(call)
            if injected == EINTR { continue }
            if injected != 0 { return (-1, injected) }
            let result = body()
            if result != -1 { return (result, 0) }
            let code = errno
            if code != EINTR { return (result, code) }
        }
    }

    /// The error number that a test wants this call to fail with, 0 for none.
    @inline(__always)
    static func injectedCode(_ call: StaticString) -> CInt {
        #if DEBUG
            FaultInjection.code(of: call)
        #else
            0
        #endif
    }

    /// How many of so many bytes a call is given: all, unless a test wants it to do less than it was asked for.
    @inline(__always)
    static func length(_ call: StaticString, _ byteCount: Int) -> Int {
        #if DEBUG
            FaultInjection.isShort(call) ? max(min(1, byteCount), byteCount / 2) : byteCount
        #else
            byteCount
        #endif
    }

    /// The result of a call that was made by way of a ring: negative for the error number, as the kernel has it.
    @inline(__always)
    static func completed(_ call: StaticString, _ result: CInt, givesDescriptor: Bool = false) -> CInt {
        let injected = injectedCode(call)
        guard injected != 0, injected != EINTR else { return result }
        if givesDescriptor, result >= 0 { close(result) }
        return -injected
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
