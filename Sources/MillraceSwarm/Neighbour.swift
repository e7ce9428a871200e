import MillraceWire

/// A chunk asked from a source and not yet answered.
struct Request: Sendable {
    let chunk: ChunkID
    let at: UInt64
    /// When it is late, or late once more.
    var lateAt: UInt64
    /// How often it was late.
    var lateCount = 0
    /// How many requests for the chunk were late before this one took their place.
    var vainCount = 0
    /// The request was cancelled, because it was late and went to somebody else or because the chunk has come.
    var isSuperseded = false

    /// Cancelled and late requests keep a slot at their source, none of the peer's: others shall go on.
    var keepsSlot: Bool { !isSuperseded && lateCount == 0 }
}

/// Another peer this one is connected with: it fetches from it, serves it, or both.
struct Neighbour: Sendable {
    let peer: PeerIndex
    var isSource = false
    var isClient = false
    /// A source that the ring no longer gives this peer: asked for nothing new, left once it has answered.
    var isRetired = false
    /// A source that answers nothing and says nothing: another is asked beside it.
    var isSilent = false
    /// A source that gives far less than the others: another is asked beside it, too.
    var isWeak = false
    /// Chunks it has given since sources were last compared.
    var givenCount = 0
    /// Requests it has refused since it last answered one.
    var refusalCount = 0
    /// When it last said something of use.
    var heardAt: UInt64 = 0
    /// Oldest first, which is the order of the answers.
    var outstanding: [Request] = []
    /// Chunks it holds, and held when all were marked; nil for one that came later.
    fileprivate var heldCount = 0
    fileprivate var markedCount: Int?
    /// Its bit in the masks of the neighbourhood; 0 for a client too many.
    fileprivate(set) var bit: UInt64 = 0

    /// A source that is asked for chunks.
    var isActive: Bool { isSource && !isRetired }
    /// Somebody stands in for it.
    var isLacking: Bool { isActive && (isSilent || isWeak) }

    var isIdleRetired: Bool { isSource && isRetired && outstanding.isEmpty }

    func isAsked(_ chunk: ChunkID) -> Bool { outstanding.contains { $0.chunk == chunk } }

    init(peer: PeerIndex) {
        self.peer = peer
    }
}

/// The neighbours of a peer, and which of them hold each chunk: one mask a chunk, because who else holds it is what
/// every decision about a chunk needs. Of more than 64 neighbours only sources count, which are always fewer.
struct Neighbourhood: Sendable {
    private(set) var all: [Neighbour] = []
    /// The numbers of all, side by side, because they are searched for with each announcement.
    private var peers: [PeerIndex] = []
    /// For each chunk the neighbours that hold it.
    private(set) var holders: [UInt64]
    /// By bit number: chunks the neighbour holds that this peer lacks and has not asked for anywhere.
    private var wantedCounts = Array(repeating: 0, count: 64)
    private var freeBits = UInt64.max

    init(chunkCount: UInt32) {
        holders = Array(repeating: 0, count: Int(chunkCount))
    }

    func index(of peer: PeerIndex) -> Int? {
        peers.firstIndex(of: peer)
    }

    subscript(index: Int) -> Neighbour {
        _read { yield all[index] }
        _modify { yield &all[index] }
    }

    var indices: Range<Int> { all.indices }

    func holds(_ index: Int, _ chunk: ChunkID) -> Bool { holders[Int(chunk)] & all[index].bit != 0 }

    func wantedCount(_ index: Int) -> Int {
        let bit = all[index].bit
        return bit == 0 ? 0 : wantedCounts[bit.trailingZeroBitCount]
    }

    mutating func indexAdding(_ peer: PeerIndex) -> Int {
        if let index = index(of: peer) { return index }
        peers.append(peer)
        all.append(Neighbour(peer: peer))
        all[all.count - 1].bit = takeBit()
        return all.count - 1
    }

    /// Gives a source a bit, at the cost of a neighbour that is only a client. Returns false if there are too many.
    mutating func makeSource(_ index: Int) -> Bool {
        if all[index].bit == 0, freeBits == 0, let other = all.firstIndex(where: { !$0.isSource && $0.bit != 0 }) {
            forget(other)
        }
        // Its list comes on its own connection. What was said under its number before may be another's word.
        if !all[index].isSource { forget(index) }
        if all[index].bit == 0 { all[index].bit = takeBit() }
        all[index].isSource = all[index].bit != 0
        return all[index].isSource
    }

    /// Returns false if it was known to hold the chunk.
    @discardableResult
    mutating func adds(_ index: Int, _ chunk: ChunkID, isWanted: Bool) -> Bool {
        let bit = all[index].bit
        guard bit != 0, holders[Int(chunk)] & bit == 0 else { return false }
        holders[Int(chunk)] |= bit
        all[index].heldCount += 1
        if isWanted { wantedCounts[bit.trailingZeroBitCount] += 1 }
        return true
    }

    /// The neighbour turned out not to hold the chunk.
    mutating func loses(_ index: Int, _ chunk: ChunkID, isWanted: Bool) {
        guard holds(index, chunk) else { return }
        holders[Int(chunk)] &= ~all[index].bit
        all[index].heldCount -= 1
        if isWanted { wantedCounts[all[index].bit.trailingZeroBitCount] -= 1 }
    }

    /// The chunk became wanted, or is no longer: this peer got it, asked for it, or lost the source it asked.
    mutating func wanted(_ chunk: ChunkID, _ isWanted: Bool) {
        var rest = holders[Int(chunk)]
        while rest != 0 {
            wantedCounts[rest.trailingZeroBitCount] += isWanted ? 1 : -1
            rest &= rest - 1
        }
    }

    /// Notes how many chunks each holds now.
    mutating func mark() {
        for index in all.indices where all[index].bit != 0 { all[index].markedCount = all[index].heldCount }
    }

    /// The most chunks that one of them has got since all were marked; nil if none was there then.
    func mostGainedSinceMark() -> Int? {
        all.lazy.compactMap { neighbour in neighbour.markedCount.map { neighbour.heldCount - $0 } }.max()
    }

    mutating func remove(_ index: Int) {
        forget(index)
        all.remove(at: index)
        peers.remove(at: index)
    }

    private mutating func takeBit() -> UInt64 {
        let bit = freeBits & (~freeBits &+ 1)
        freeBits ^= bit
        return bit
    }

    private mutating func forget(_ index: Int) {
        let bit = all[index].bit
        guard bit != 0 else { return }
        for chunk in holders.indices { holders[chunk] &= ~bit }
        wantedCounts[bit.trailingZeroBitCount] = 0
        freeBits |= bit
        all[index].bit = 0
        (all[index].heldCount, all[index].markedCount) = (0, nil)
    }
}
