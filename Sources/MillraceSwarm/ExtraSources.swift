import MillraceWire

/// Whom a peer asks beside the sources that the ring gives it, as a pure value. Where uplinks differ all of those may
/// be slow ones, while other members have room. One at a time is tried, and kept only if more comes for it: of one that
/// is as busy as they are, or where the peer's own downlink is full, there is nothing to gain.
struct ExtraSources: Sendable {
    private struct Trial: Sendable {
        let peer: PeerIndex
        /// Chunks a second that came before.
        let before: Double
        /// When it is over: after the time to connect in, and then that to answer in.
        var until: UInt64
        /// When it was connected, with how many chunks this peer had then.
        var begun: (at: UInt64, heldCount: Int)?
        var answerCount = 0
    }

    /// How far the swarm and this peer were when they were last compared.
    private struct Mark {
        var frontier: ChunkID
        var heldCount: Int
        var at: UInt64
    }

    /// Chunks a second that the fastest neighbour got, when this peer was last compared with it.
    private(set) var bestRate = 0.0
    private(set) var kept: [PeerIndex] = []
    private var trial: Trial?
    private var mark: Mark?
    /// Comparisons in a row that have shown it to fall behind.
    private var starvedCount = 0
    /// Comparisons to let pass before the next trial, and how many after the next one in vain.
    private var pauseCount = 0
    private var nextPauseCount = 1
    private var wasAllOut = false

    var all: [PeerIndex] { kept + (trial.map { [$0.peer] } ?? []) }

    /// Compares this peer's progress with the swarm's, each time that has come far enough, and with its fastest
    /// neighbour's once all chunks are out. Returns how many chunks a second come if that is a good part less than
    /// there are, and it is time to try somebody; else nil.
    ///
    /// - Parameters:
    ///   - frontier: one above the highest chunk that anybody is known to hold.
    ///   - isAllOut: whether that is the last one.
    mutating func compare(
        frontier: ChunkID, isAllOut: Bool, heldCount: Int, _ neighbours: inout Neighbourhood, now: UInt64
    ) -> Double? {
        if isAllOut, !wasAllOut { beginAnew() }
        guard let mark else {
            self.mark = Mark(frontier: frontier, heldCount: heldCount, at: now)
            neighbours.mark()
            return nil
        }
        let handedOut = Int(frontier) - Int(mark.frontier)
        guard isAllOut || handedOut >= SwarmLimits.comparedAdvance else { return nil }
        let most = neighbours.mostGainedSinceMark() ?? handedOut
        let advance = isAllOut ? max(handedOut, most) : handedOut
        guard advance >= SwarmLimits.comparedAdvance else { return nil }
        let gained = heldCount - mark.heldCount
        self.mark = Mark(frontier: frontier, heldCount: heldCount, at: now)
        neighbours.mark()
        bestRate = ExtraSources.rate(most, from: mark.at, to: now)
        starvedCount = 10 * gained < SwarmLimits.starvedTenths * advance ? starvedCount + 1 : 0
        guard starvedCount >= SwarmLimits.starvedComparisons else { return nil }
        guard pauseCount == 0 else {
            pauseCount -= 1
            return nil
        }
        guard trial == nil, kept.count < SwarmLimits.extraSourceLimit else { return nil }
        return ExtraSources.rate(gained, from: mark.at, to: now)
    }

    mutating func `try`(_ peer: PeerIndex, before: Double, now: UInt64) {
        trial = Trial(peer: peer, before: before, until: now + SwarmLimits.firstHedgeNanoseconds)
    }

    /// A source is connected. One on trial may answer for twice the usual time: two requests wait there, so that it
    /// gives four chunks in it if it answers as soon as the others do.
    mutating func connected(_ peer: PeerIndex, usualNanoseconds: UInt64, heldCount: Int, now: UInt64) {
        guard trial?.peer == peer else { return }
        trial?.until = now + SwarmLimits.trialServiceTimes * usualNanoseconds
        trial?.begun = (now, heldCount)
    }

    /// A source has answered. Returns the one on trial if that is over and was in vain.
    mutating func answered(_ peer: PeerIndex, heldCount: Int, now: UInt64) -> PeerIndex? {
        guard var trial else { return nil }
        if trial.peer == peer { trial.answerCount += 1 }
        self.trial = trial
        if hasGained(trial, heldCount: heldCount, now: now) {
            kept.append(trial.peer)
            end(pauseCount: 0)
            return nil
        }
        guard now > trial.until else { return nil }
        end(pauseCount: nextPauseCount)
        return trial.peer
    }

    /// It is no source any more, or as slow as the rest.
    mutating func forget(_ peer: PeerIndex) {
        kept.removeAll { $0 == peer }
        if trial?.peer == peer { end(pauseCount: nextPauseCount) }
    }

    private func hasGained(_ trial: Trial, heldCount: Int, now: UInt64) -> Bool {
        guard let begun = trial.begun, trial.answerCount >= SwarmLimits.trialAnswerCount else { return false }
        let gained = heldCount - begun.heldCount
        guard gained >= SwarmLimits.trialGain else { return false }
        return ExtraSources.rate(gained, from: begun.at, to: now) > SwarmLimits.trialRateTimes * trial.before
    }

    private mutating func end(pauseCount: Int) {
        self.pauseCount = pauseCount
        nextPauseCount = pauseCount == 0 ? 1 : min(2 * pauseCount, SwarmLimits.longestTrialPause)
        trial = nil
        mark = nil
    }

    /// A peer may have been behind a fast owner all the time, as all were, and have tried others in vain.
    private mutating func beginAnew() {
        wasAllOut = true
        (pauseCount, nextPauseCount, starvedCount) = (0, 1, 0)
        mark = nil
    }

    private static func rate(_ chunkCount: Int, from start: UInt64, to now: UInt64) -> Double {
        Double(chunkCount) / Double(max(now, start + 1) - start) * 1e9
    }
}
