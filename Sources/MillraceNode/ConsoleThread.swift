import MillraceIO
import Synchronization

/// The thread that writes for all others: it takes the log's lines a moment after the first has come, and draws the
/// progress. So no thread that moves chunks waits for a terminal, and events cost few system calls.
final class ConsoleThread: Sendable {
    private let log: EventLog
    private let wake: WakeUp
    private let mode: ProgressMode
    private let style: ProgressStyle
    private let progress: @Sendable () -> NodeProgress
    private let isOver = Atomic(false)
    private let end: WorkEnd
    private let thread = Lock<WorkerThread?>(nil)

    private init(
        _ log: EventLog, _ wake: WakeUp, _ asked: ProgressMode, _ progress: @escaping @Sendable () -> NodeProgress
    ) throws(SystemError) {
        end = try WorkEnd()
        self.log = log
        self.wake = wake
        self.progress = progress
        let descriptor = log.options.noticeDescriptor
        let ground = ProgressGround(
            isTerminal: Console.isTerminal(descriptor), kind: ProcessEnvironment.value("TERM"),
            isQuiet: log.options.level == .quiet)
        mode = ground.mode(for: asked)
        style = ProgressStyle.ofEnvironment
    }

    /// The caller's thread ends the run, and so never waits for this one while it logs.
    ///
    /// - Parameters:
    ///   - wake: signalled when the log has a line that waits.
    ///   - progress: how the run stands, asked for a few times a second where it is shown.
    static func start(
        _ log: EventLog, wake: WakeUp, mode: ProgressMode, _ progress: @escaping @Sendable () -> NodeProgress
    ) throws(SystemError) -> ConsoleThread {
        let console = try ConsoleThread(log, wake, mode, progress)
        let thread = try WorkerThread.start(name: "console") { console.run() }
        console.thread.withLock { $0 = thread }
        log.consoleBegins(besides: WorkerThread.currentNumber)
        return console
    }

    /// Ends the thread once all is written. Where nobody reads that takes for ever: what is left is given up a moment
    /// after `interrupt` has become readable.
    func stop(interrupt: CInt = -1) {
        isOver.store(true, ordering: .releasing)
        wake.signal()
        let thread = thread.withLock { $0.take() }
        guard end.wait(interrupt: interrupt, graceNanoseconds: NodeLimits.lastWordsNanoseconds) else {
            return log.giveUp()
        }
        thread?.join()
    }

    private func run() {
        var display = ProgressDisplay(style: style)
        var flushAt: UInt64?
        let start = MonotonicClock.nowNanoseconds
        var drawAt = mode == .none ? UInt64.max : mode == .bar ? start : start + NodeLimits.progressLineNanoseconds
        while !isOver.load(ordering: .acquiring) {
            let deadline = min(flushAt ?? .max, drawAt)
            let ready = try? WaitPoint.wait(
                socket: -1, forReading: false, forWriting: false, wake: wake,
                untilNanoseconds: deadline == .max ? nil : deadline)
            let now = MonotonicClock.nowNanoseconds
            // A second signal says that much waits already, and notices are for people.
            if ready?.contains(.woken) == true {
                flushAt = flushAt == nil && !log.hasNotices ? now + NodeLimits.flushNanoseconds : now
            }
            if let due = flushAt, due <= now {
                flushAt = nil
                log.flush()
            }
            guard drawAt <= now else { continue }
            draw(&display, at: now)
            drawAt = now + (mode == .line ? NodeLimits.progressLineNanoseconds : NodeLimits.progressBarNanoseconds)
        }
        finish(&display)
        log.consoleEnds()
        end.done()
    }

    private func draw(_ display: inout ProgressDisplay, at now: UInt64) {
        let state = progress()
        display.saw(state, at: now)
        if mode == .line { return log.progressLine(display.logLine(state, at: now)) }
        let size = Terminal.size(of: log.options.noticeDescriptor) ?? Terminal.Size(columns: 80, rows: 24)
        log.screen.show(display.lines(state, size: size, at: now))
    }

    /// The last state stays where nothing else would tell how the run has ended.
    private func finish(_ display: inout ProgressDisplay) {
        guard mode != .none else { return }
        draw(&display, at: MonotonicClock.nowNanoseconds)
        log.screen.finish(keeping: log.options.level == .quiet)
    }
}

extension ProgressStyle {
    /// By NO_COLOR (no-color.org) and the locale.
    static var ofEnvironment: ProgressStyle {
        let variables = ["LC_ALL", "LC_CTYPE", "LANG"].map(ProcessEnvironment.value)
        let locale = variables.compactMap { $0 }.first { !$0.isEmpty } ?? ""
        return ProgressStyle(
            hasColour: (ProcessEnvironment.value("NO_COLOR") ?? "").isEmpty,
            hasUnicode: locale.uppercased().contains("UTF-8") || locale.uppercased().contains("UTF8"))
    }
}
