import MillraceWire

/// How long it takes one peer from the grant of a chunk until somebody else has it, from one grant at a time.
struct PassingOn: Sendable {
    /// The average; nil before the first.
    private(set) var usualNanoseconds: UInt64?
    private var watched: (chunk: ChunkID, since: UInt64)?

    mutating func granted(_ chunk: ChunkID, at now: UInt64) {
        if watched == nil { watched = (chunk, now) }
    }

    /// Somebody else lists a chunk that this peer was granted. Returns how long that took, if it is the one that is
    /// watched.
    mutating func passed(_ chunk: ChunkID, at now: UInt64) -> UInt64? {
        guard let watched, watched.chunk == chunk else { return nil }
        self.watched = nil
        let sample = now - min(watched.since, now)
        usualNanoseconds = usualNanoseconds.movingAverage(with: sample)
        return sample
    }

    /// What is under way says nothing: there was nobody to pass it on to, or it has come back.
    mutating func forget() { watched = nil }

    /// What it takes usually, or the one that is watched has taken already; nil while nobody knows.
    func nanoseconds(at now: UInt64) -> UInt64? {
        guard let usualNanoseconds else { return nil }
        guard let watched else { return usualNanoseconds }
        return max(usualNanoseconds, now - min(watched.since, now))
    }
}

extension OwnerPolicy {
    /// A chunk was seen at another peer than the one it was granted to.
    mutating func passedOn(_ chunk: ChunkID, by peer: PeerIndex, at now: UInt64?) {
        guard isMember(peer) else { return }
        members[Int(peer)]!.unreplicated -= 1
        if grantsInFlight.isEmpty { mayBePassedOn = isSomethingUnpassed }
        // A chunk that the owner sent once more may have come from there.
        if rescues[chunk] == nil {
            members[Int(peer)]!.strikes = max(0, members[Int(peer)]!.strikes - 1)
            if let now { members[Int(peer)]!.passedOnAt = now }
        }
        guard let now, let sample = members[Int(peer)]!.passingOn.passed(chunk, at: now) else { return }
        passOnNanoseconds = passOnNanoseconds.movingAverage(with: sample)
    }

    /// A newcomer is somebody to pass chunks on to: for whoever was alone the time begins now.
    mutating func watchPassingOnAnew() {
        for index in members.indices { members[index]?.passingOn.forget() }
    }

    /// Whether all would wait at the end for what this peer is granted now: by the time it passes that on, the others
    /// have everything else.
    func holdsUpTheEnd(_ member: OwnerMember, at now: UInt64) -> Bool {
        guard let latest = latestUsefulNanoseconds else { return false }
        return member.passingOn.nanoseconds(at: now).map { $0 > latest } ?? false
    }

    /// When the last chunk is with somebody else at the usual pace, from now on; nil while nobody knows.
    private var latestUsefulNanoseconds: UInt64? {
        guard let usual = passOnNanoseconds, let interval = tempo.intervalNanoseconds else { return nil }
        let (rest, overflow) = interval.multipliedReportingOverflow(by: UInt64(unsent.count))
        return overflow ? nil : rest.addingSaturating(SwarmLimits.lateEndTimes * usual)
    }

    /// Until when its credit waits for others to take the chunk: as long as it would take itself. Nil once that is
    /// over.
    func holdBackEnd(of member: OwnerMember, at now: UInt64) -> UInt64? {
        guard let own = member.passingOn.nanoseconds(at: now) else { return nil }
        let end = lastGrantAt.addingSaturating(own)
        return now < end ? end : nil
    }

    /// Somebody takes chunks and passes them on in time. One that lacks much of what this one has is busy with that,
    /// and does not wait for what this one is granted.
    func hasPrompterMember(than other: OwnerMember, at now: UInt64) -> Bool {
        members.contains { member in
            guard let member, member.isGoodRelay, !isFarBehind(member, other) else { return false }
            return member.passingOn.nanoseconds(at: now) != nil && !holdsUpTheEnd(member, at: now)
        }
    }
}

extension UInt64? {
    /// A moving average over about eight samples.
    func movingAverage(with sample: UInt64) -> UInt64 {
        map { $0 - $0 / 8 + sample / 8 } ?? sample
    }
}

extension UInt64 {
    func addingSaturating(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
