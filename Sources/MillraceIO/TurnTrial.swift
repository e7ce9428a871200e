/// Whether the connections of a node send one at a time, as a pure value. Where its link carries far less away than it
/// brings, requests and acknowledgements must not stand behind all the chunks that others want: a peer with a quarter
/// of its link for sending got two thirds of what the link could bring. Where there is one connection only, its room is
/// halved meanwhile.
///
/// That little is sent does not prove it, readers may be busy with other sources. So turns are taken on trial, and kept
/// only where more comes for it.
struct TurnTrial: Sendable {
    private enum Stage {
        /// All send at once.
        case open
        /// Turns, with what came before in bytes a second: while chunks that were begun before are under way, for a
        /// moment, for longer.
        case begun(before: Double), tried(before: Double), proving(before: Double)
        /// Turns until more is sent.
        case kept
    }

    /// Peers send four fifths and more of what they receive, where all links are alike.
    private static let littlePart = 0.7
    /// A node to which more than this comes has processors that are scarce, not a link: nothing is tried there.
    private static let fastBytesPerSecond = 120e6
    /// So much more must come in a moment, and over a longer time.
    private static let triedGain = 1.1
    private static let provenGain = 1.15
    /// What comes is looked at over so long, in a trial for a moment first; one in which nothing is sent is over after
    /// the third.
    private static let lookNanoseconds: UInt64 = 500_000_000
    private static let trialNanoseconds: UInt64 = 250_000_000
    private static let mostTrialNanoseconds: UInt64 = 2_000_000_000
    /// From a trial in vain to the next, and four times as long from each to the one after.
    private static let pauseNanoseconds: UInt64 = 1_000_000_000
    private static let mostPauseNanoseconds: UInt64 = 120_000_000_000

    private var stage: Stage
    private var pause = pauseNanoseconds
    private var triesAt: UInt64 = 0

    /// Since when is looked, and what had come by then.
    private var start: UInt64?
    private var startReceived: UInt64 = 0
    private var received: UInt64 = 0
    /// Bytes sent since, and those sent, and the time, while as many were sending as fill a link.
    private var sent: UInt64 = 0
    private var sentTogether: UInt64 = 0
    private var nanosecondsTogether: UInt64 = 0
    private var sendingCount = 0
    private var counted: UInt64 = 0
    /// One of several that sends alone may wait for its reader.
    private var fillingCount = 2

    /// - Parameter takesTurns: as after a trial that was a success.
    init(takesTurns: Bool = false) {
        stage = takesTurns ? .kept : .open
    }

    var takesTurns: Bool {
        if case .open = stage { false } else { true }
    }

    /// The same, and a trial in which nothing is sent ends.
    mutating func takesTurns(now: UInt64) -> Bool {
        switch stage {
        case .open: return false
        case .kept: return true
        case .begun, .tried, .proving:
            if let start, now > start, now - start > TurnTrial.mostTrialNanoseconds { giveUp(now: now) }
            return takesTurns
        }
    }

    /// A connection has begun to send.
    mutating func began(now: UInt64) {
        count(until: now)
        sendingCount += 1
    }

    /// All that a connection was to send is with the kernel.
    mutating func rested(now: UInt64) {
        count(until: now)
        sendingCount -= 1
    }

    /// - Parameters:
    ///   - received: bytes that have come to the node so far.
    ///   - connectionCount: how many connections the node serves.
    mutating func sent(_ byteCount: Int, received: UInt64, connectionCount: Int, now: UInt64) {
        count(until: now)
        fillingCount = min(2, connectionCount)
        self.received = received
        sent += UInt64(byteCount)
        if sendingCount >= fillingCount { sentTogether += UInt64(byteCount) }
        guard let start else { return look(now: now) }
        let elapsed = now - min(start, now)
        let came = Double(received - startReceived) / Double(max(elapsed, 1)) * 1e9
        switch stage {
        case .open where elapsed >= TurnTrial.lookNanoseconds:
            if isLittle(elapsed, came: came), now >= triesAt { stage = .begun(before: came) }
            look(now: now)
        case .begun(let before) where sendingCount <= 1 || elapsed >= TurnTrial.lookNanoseconds:
            stage = .tried(before: before)
            look(now: now)
        case .tried(let before) where elapsed >= TurnTrial.trialNanoseconds:
            if came < before * TurnTrial.triedGain { return giveUp(now: now) }
            stage = .proving(before: before)
        case .proving(let before) where elapsed >= TurnTrial.lookNanoseconds:
            if came < before * TurnTrial.provenGain { return giveUp(now: now) }
            stage = .kept
            look(now: now)
        case .kept where elapsed >= TurnTrial.lookNanoseconds:
            let carried = Double(sent) / Double(elapsed) * 1e9
            if carried > came * TurnTrial.littlePart { stage = .open }
            look(now: now)
        default: break
        }
    }

    /// They were sending for most of the time, and sent far less than came.
    private func isLittle(_ elapsed: UInt64, came: Double) -> Bool {
        let carried = Double(sentTogether) / Double(max(nanosecondsTogether, 1)) * 1e9
        return 2 * nanosecondsTogether > elapsed && carried < came * TurnTrial.littlePart
            && came < TurnTrial.fastBytesPerSecond
    }

    private mutating func giveUp(now: UInt64) {
        stage = .open
        triesAt = now + pause
        pause = min(4 * pause, TurnTrial.mostPauseNanoseconds)
        look(now: now)
    }

    private mutating func look(now: UInt64) {
        (start, startReceived) = (now, received)
        (sent, sentTogether, nanosecondsTogether) = (0, 0, 0)
    }

    private mutating func count(until now: UInt64) {
        if sendingCount >= fillingCount, now > counted { nanosecondsTogether += now - counted }
        counted = max(counted, now)
    }
}
