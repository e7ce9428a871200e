import MillraceWire

/// How one source has served this peer so far.
public struct SourceTally: Sendable, Equatable {
    public let peer: PeerIndex
    /// Requests it answered with the chunk.
    public internal(set) var chunkCount = 0
    /// Requests that were late, and went to somebody else if there was anybody.
    public internal(set) var lateCount = 0
    /// From request to chunk, added up.
    public internal(set) var waitedNanoseconds: UInt64 = 0
    /// The longest of them.
    public internal(set) var longestNanoseconds: UInt64 = 0

    /// The average time from request to chunk.
    public var meanNanoseconds: UInt64 { chunkCount == 0 ? 0 : waitedNanoseconds / UInt64(chunkCount) }
}

/// The tallies of all sources, also of those that are gone, in the order they were first asked.
struct SourceTallies: Sendable {
    private(set) var all: [SourceTally] = []

    mutating func answered(_ peer: PeerIndex, after nanoseconds: UInt64) {
        let index = index(of: peer)
        all[index].chunkCount += 1
        all[index].waitedNanoseconds += nanoseconds
        all[index].longestNanoseconds = max(all[index].longestNanoseconds, nanoseconds)
    }

    mutating func late(_ peer: PeerIndex) { all[index(of: peer)].lateCount += 1 }

    private mutating func index(of peer: PeerIndex) -> Int {
        if let index = all.firstIndex(where: { $0.peer == peer }) { return index }
        all.append(SourceTally(peer: peer))
        return all.count - 1
    }
}
