import MillraceIO
import MillraceStore
import MillraceWire

// What the command line uses of the layers below, so that it needs no others than this one.

public typealias ChildProcess = MillraceIO.ChildProcess
public typealias Console = MillraceIO.Console
public typealias Digest = MillraceWire.Digest
public typealias Executable = MillraceIO.Executable
public typealias Interrupts = MillraceIO.Interrupts
public typealias Listener = MillraceIO.Listener
public typealias MonotonicClock = MillraceIO.MonotonicClock
public typealias OfferedFile = MillraceStore.OfferedFile
public typealias StandardStreams = MillraceIO.StandardStreams
public typealias StoreKind = MillraceStore.StoreKind
public typealias SystemError = MillraceIO.SystemError
public typealias TextFile = MillraceIO.TextFile
public typealias TemporaryFolder = MillraceIO.TemporaryFolder
public typealias TransportChoice = MillraceIO.TransportChoice
public typealias TransportKind = MillraceIO.TransportKind
public typealias WireLimits = MillraceWire.WireLimits

/// Does what may take for ever where nobody reads, in a process that was told to end: it has a moment.
public func hurry(_ work: @escaping @Sendable () -> Void) {
    _ = WorkEnd.run("hurry", interrupt: nil, graceNanoseconds: NodeLimits.lastWordsNanoseconds, work)
}

/// Lets a run end early by a signal. Throws where that can't be prepared, before anything is done.
public func caughtInterrupts() throws(NodeFailure) -> Interrupts {
    do throws(SystemError) {
        return try Interrupts()
    } catch {
        throw NodeFailure(.fileFault, "\(error)")
    }
}
