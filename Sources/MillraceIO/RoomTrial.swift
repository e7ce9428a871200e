/// Whether a node asks its sources for more room, as a pure value. Where its link carries far less away than it brings,
/// requests and acknowledgements stand behind all the chunks that others want, and what its sources may have on the way
/// to it is less than comes in that time: a peer with a quarter of its link for sending got two thirds of what the link
/// could bring.
///
/// That little is sent does not prove it, readers may be busy with other sources. So room is asked for on trial, twice
/// as much each time, and kept only where more comes for it than is sent less: more room at all of its sources is also
/// a longer queue in front of it, and whoever has more takes it from those who have the same sources.
struct RoomTrial: Sendable {
    /// More room for a moment, then for longer.
    private struct Attempt {
        let roomTimes: Int
        let before: RoomTraffic.Rates
        var isProving = false
    }

    /// Twice the usual room may be too little for any gain to show. Of eight peers at 100 Mbit/s the one with a quarter
    /// of its link for sending took 1.66 times the bound where it was tried alone, with four times the room 1.07; five
    /// at 200 Mbit/s all take 1.07 with twice the room, the others 1.08 and more where it has more than it needs.
    private static let conclusiveRoomTimes = 4
    /// As many as the protocol lets a node ask for.
    static let mostRoomTimes = 8

    /// Peers send as much as they receive from other peers, where all links are alike; what comes from the owner nobody
    /// had to send for it.
    private static let littlePart = 0.7
    /// A node to which more than this comes has processors that are scarce, not a link: nothing is tried there.
    private static let fastBytesPerSecond = 120e6
    /// So much more must come in a moment, and over twice that time.
    private static let triedGain = 1.1
    private static let provenGain = 1.15
    /// Where more room is kept already, and even more is tried: a link that is full brings no more.
    private static let furtherGain = 1.05
    /// What is sent grows by itself until chunks have spread; a narrow link is full at once.
    private static let steadyGain = 1.25
    /// With so much more in a moment nothing is to be proved, and there may be as much more to gain.
    private static let plainGain = 1.3
    /// What comes is looked at over so long, in two halves; in a trial for a moment first, or for the time in which so
    /// many bytes came before. One in which nothing is sent is over after the last.
    private static let lookNanoseconds: UInt64 = 500_000_000
    private static let trialNanoseconds: UInt64 = 250_000_000
    private static let trialByteCount = 2_500_000.0
    private static let mostTrialNanoseconds: UInt64 = 10_000_000_000
    /// From a trial in vain to the next, and four times as long from each to the one after.
    private static let pauseNanoseconds: UInt64 = 1_000_000_000
    private static let mostPauseNanoseconds: UInt64 = 120_000_000_000

    /// Where a link is so busy that little comes, what it sends is no small part of that, but of what another gets.
    var fastestNeighbourBytesPerSecond = 0.0
    /// What stands while nothing is tried: more than one only where more came for it.
    private(set) var keptRoomTimes = 1
    private var attempt: Attempt?
    private var pause = pauseNanoseconds
    private var triesAt: UInt64 = 0

    /// What is looked at: the latest moment, and while nothing is tried the one before.
    private var latest: RoomTraffic?
    private var earlier: RoomTraffic?
    private var sendingCount = 0
    private var counted: UInt64 = 0
    /// One of several that sends alone may wait for its reader.
    private var fillingCount = 2

    /// How many times the usual room is asked for.
    var roomTimes: Int { attempt?.roomTimes ?? keptRoomTimes }

    /// The same, and a trial in which nothing is sent ends.
    mutating func roomTimes(now: UInt64) -> Int {
        guard attempt != nil, let latest, now > latest.start else { return roomTimes }
        if now - latest.start > RoomTrial.mostTrialNanoseconds { giveUp(now: now) }
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
    ///   - received: what has come to the node so far.
    ///   - connectionCount: how many connections the node serves.
    mutating func sent(_ byteCount: Int, received: RoomTraffic.Received, connectionCount: Int, now: UInt64) {
        count(until: now)
        fillingCount = min(2, connectionCount)
        latest?.sent(UInt64(byteCount), isTogether: sendingCount >= fillingCount, received: received, now: now)
        guard let latest else {
            self.latest = RoomTraffic(from: now, received: received)
            return
        }
        if let attempt {
            judge(attempt, latest, now: now)
        } else if latest.nanoseconds >= RoomTrial.lookNanoseconds / 2 {
            if let earlier { review(earlier, latest, now: now) }
            earlier = attempt == nil ? latest : nil
            self.latest = latest.following
        }
    }

    private mutating func review(_ earlier: RoomTraffic, _ latest: RoomTraffic, now: UInt64) {
        let all = earlier.joined(with: latest)
        let rates = all.rates
        let little = little(of: rates)
        if rates.carried > little { keptRoomTimes = 1 }
        guard let carried = all.carriedTogether, carried < little else { return }
        guard rates.came < RoomTrial.fastBytesPerSecond else { return }
        let isSteady = latest.rates.carried < earlier.rates.carried * RoomTrial.steadyGain
        if isSteady, now >= triesAt { raise(before: rates) }
    }

    /// Less than so much is far less than comes from other peers, or would if as much came as to others.
    private func little(of rates: RoomTraffic.Rates) -> Double {
        guard rates.came > 0 else { return 0 }
        return max(rates.came, fastestNeighbourBytesPerSecond) * rates.cameFromPeers / rates.came * RoomTrial.littlePart
    }

    private mutating func raise(before: RoomTraffic.Rates) {
        guard roomTimes < RoomTrial.mostRoomTimes else { return }
        attempt = Attempt(roomTimes: 2 * roomTimes, before: before)
    }

    private mutating func judge(_ attempt: Attempt, _ latest: RoomTraffic, now: UInt64) {
        let before = attempt.before.came
        let lasts = trialNanoseconds(before)
        guard latest.nanoseconds >= (attempt.isProving ? 2 * lasts : lasts) else { return }
        let rates = latest.rates
        let net = rates.net(since: attempt.before)
        let firstGain = attempt.isProving ? RoomTrial.provenGain : RoomTrial.triedGain
        let gain = keptRoomTimes == 1 ? firstGain : RoomTrial.furtherGain
        if net < before * gain {
            guard attempt.roomTimes < RoomTrial.conclusiveRoomTimes else { return giveUp(now: now) }
            raise(before: attempt.before)
        } else if !attempt.isProving, net < before * RoomTrial.plainGain {
            self.attempt?.isProving = true
            return
        } else {
            keptRoomTimes = attempt.roomTimes
            pause = RoomTrial.pauseNanoseconds
            self.attempt = nil
            if net > before * RoomTrial.plainGain { raise(before: rates) }
        }
        self.latest = latest.following
    }

    private func trialNanoseconds(_ before: Double) -> UInt64 {
        let usual = RoomTrial.trialByteCount / max(before, 1_000_000) * 1e9
        return max(RoomTrial.trialNanoseconds, UInt64(usual))
    }

    private mutating func giveUp(now: UInt64) {
        attempt = nil
        triesAt = now + pause
        pause = min(4 * pause, RoomTrial.mostPauseNanoseconds)
        latest = latest?.following
    }

    private mutating func count(until now: UInt64) {
        if sendingCount >= fillingCount, now > counted { latest?.wereSendingTogether(now - counted) }
        counted = max(counted, now)
    }
}
