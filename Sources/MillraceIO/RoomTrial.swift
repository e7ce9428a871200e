/// Whether a node asks its sources for more room, as a pure value. Where its link carries far less away than it brings,
/// requests and acknowledgements stand behind all the chunks that others want, and what its sources may have on the way
/// to it is less than comes in that time: a peer with a quarter of its link for sending got two thirds of what the link
/// could bring.
///
/// That little is sent does not prove it, readers may be busy with other sources. So room is asked for on trial, twice
/// as much each time, and kept only where more comes for it.
struct RoomTrial: Sendable {
    /// More room for a moment, then for longer, and what came before in bytes a second.
    private struct Attempt {
        let roomTimes: Int
        let before: Double
        var isProving = false
    }

    /// Twice the usual room may be too little for any gain to show. Of eight peers at 100 Mbit/s the one with a quarter
    /// of its link for sending took 1.66 times the bound where it was tried alone, with four times the room 1.07; five
    /// at 200 Mbit/s all take 1.07 with twice the room, the others 1.08 and more where it has more than it needs.
    private static let conclusiveRoomTimes = 4
    /// As many as the protocol lets a node ask for.
    static let mostRoomTimes = 8

    /// Peers send four fifths and more of what they receive, where all links are alike.
    private static let littlePart = 0.7
    /// A node to which more than this comes has processors that are scarce, not a link: nothing is tried there.
    private static let fastBytesPerSecond = 120e6
    /// So much more must come in a moment, and over twice that time.
    private static let triedGain = 1.1
    private static let provenGain = 1.15
    /// Where more room is kept already, and even more is tried: a link that is full brings no more.
    private static let furtherGain = 1.05
    /// With so much more in a moment nothing is to be proved, and there may be as much more to gain.
    private static let plainGain = 1.3
    /// What comes is looked at over so long, in a trial for a moment first, or for the time in which so many bytes came
    /// before; one in which nothing is sent is over after the last.
    private static let lookNanoseconds: UInt64 = 500_000_000
    private static let trialNanoseconds: UInt64 = 250_000_000
    private static let trialByteCount = 2_500_000.0
    private static let mostTrialNanoseconds: UInt64 = 10_000_000_000
    /// From a trial in vain to the next, and four times as long from each to the one after.
    private static let pauseNanoseconds: UInt64 = 1_000_000_000
    private static let mostPauseNanoseconds: UInt64 = 120_000_000_000

    /// What all others get: where a link is so busy that little comes, what it sends is no small part of that.
    var swarmBytesPerSecond = 0.0
    /// What stands while nothing is tried: more than one only where more came for it.
    private(set) var keptRoomTimes = 1
    private var attempt: Attempt?
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

    /// How many times the usual room is asked for.
    var roomTimes: Int { attempt?.roomTimes ?? keptRoomTimes }

    /// The same, and a trial in which nothing is sent ends.
    mutating func roomTimes(now: UInt64) -> Int {
        if attempt != nil, let start, now > start, now - start > RoomTrial.mostTrialNanoseconds { giveUp(now: now) }
        return roomTimes
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
        if let attempt {
            judge(attempt, elapsed, came: came, now: now)
        } else if elapsed >= RoomTrial.lookNanoseconds {
            let carried = Double(sent) / Double(elapsed) * 1e9
            if carried > little(of: came) { keptRoomTimes = 1 }
            if isLittle(elapsed, came: came), now >= triesAt { raise(before: came) }
            look(now: now)
        }
    }

    private mutating func raise(before: Double) {
        guard roomTimes < RoomTrial.mostRoomTimes else { return }
        attempt = Attempt(roomTimes: 2 * roomTimes, before: before)
    }

    private mutating func judge(_ attempt: Attempt, _ elapsed: UInt64, came: Double, now: UInt64) {
        let lasts = trialNanoseconds(attempt.before)
        guard elapsed >= (attempt.isProving ? 2 * lasts : lasts) else { return }
        let firstGain = attempt.isProving ? RoomTrial.provenGain : RoomTrial.triedGain
        let gain = keptRoomTimes == 1 ? firstGain : RoomTrial.furtherGain
        if came < attempt.before * gain {
            guard attempt.roomTimes < RoomTrial.conclusiveRoomTimes else { return giveUp(now: now) }
            raise(before: attempt.before)
            look(now: now)
        } else if !attempt.isProving, came < attempt.before * RoomTrial.plainGain {
            self.attempt?.isProving = true
        } else {
            keptRoomTimes = attempt.roomTimes
            pause = RoomTrial.pauseNanoseconds
            self.attempt = nil
            if came > attempt.before * RoomTrial.plainGain { raise(before: came) }
            look(now: now)
        }
    }

    private func trialNanoseconds(_ before: Double) -> UInt64 {
        let usual = RoomTrial.trialByteCount / max(before, 1_000_000) * 1e9
        return max(RoomTrial.trialNanoseconds, UInt64(usual))
    }

    /// They were sending for most of the time, and sent far less than came, or than comes to others.
    private func isLittle(_ elapsed: UInt64, came: Double) -> Bool {
        let carried = Double(sentTogether) / Double(max(nanosecondsTogether, 1)) * 1e9
        return 2 * nanosecondsTogether > elapsed && carried < little(of: came)
            && came < RoomTrial.fastBytesPerSecond
    }

    private func little(of came: Double) -> Double { max(came, swarmBytesPerSecond) * RoomTrial.littlePart }

    private mutating func giveUp(now: UInt64) {
        attempt = nil
        triesAt = now + pause
        pause = min(4 * pause, RoomTrial.mostPauseNanoseconds)
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
