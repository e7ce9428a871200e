import Glibc
import Synchronization

/// The end of work that may take for ever, such as writing where nobody reads. It is waited for without a bound until
/// the process is told to end, and then for a moment only.
public final class WorkEnd: Sendable {
    private let wake: WakeUp
    private let isDone = Atomic(false)

    public init() throws(SystemError) {
        wake = try WakeUp()
    }

    public func done() {
        isDone.store(true, ordering: .releasing)
        wake.signal()
    }

    /// Returns whether the work was done.
    ///
    /// - Parameters:
    ///   - interrupt: a descriptor that becomes readable when the process shall end; nil where that is so already.
    ///   - graceNanoseconds: how long to wait from then on.
    public func wait(interrupt: CInt?, graceNanoseconds: UInt64) -> Bool {
        var deadline = interrupt == nil ? MonotonicClock.nowNanoseconds + graceNanoseconds : nil
        while !isDone.load(ordering: .acquiring) {
            let watched = deadline == nil ? interrupt ?? -1 : -1
            let ready = try? WaitPoint.wait(
                socket: watched, forReading: watched >= 0, forWriting: false, wake: wake, untilNanoseconds: deadline)
            guard let ready, !ready.isEmpty else { break }
            if ready.contains(.readable) { deadline = MonotonicClock.nowNanoseconds + graceNanoseconds }
        }
        return isDone.load(ordering: .acquiring)
    }

    /// Does the work on a thread of its own, or here where there is none to be had. Returns whether it was done.
    public static func run(
        _ name: String, interrupt: CInt?, graceNanoseconds: UInt64, _ work: @escaping @Sendable () -> Void
    ) -> Bool {
        do throws(SystemError) {
            let end = try WorkEnd()
            _ = try WorkerThread.start(name: name) {
                work()
                end.done()
            }
            return end.wait(interrupt: interrupt, graceNanoseconds: graceNanoseconds)
        } catch {
            work()
            return true
        }
    }
}
