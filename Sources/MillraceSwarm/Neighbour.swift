import MillraceWire

/// A chunk asked from a source and not yet answered.
struct Request: Sendable {
    let chunk: ChunkID
    let at: UInt64
    /// When it is late, or late once more.
    var lateAt: UInt64
    /// How often it was late.
    var lateCount = 0
    /// The request was cancelled, because it was late and went to somebody else or because the chunk has come: its answer
    /// still counts for the source's window, no longer for the peer's.
    var isSuperseded = false
}

/// Another peer this one is connected with: it fetches from it, serves it, or both.
struct Neighbour: Sendable {
    let peer: PeerIndex
    var isSource = false
    var isClient = false
    /// A source that the ring no longer gives this peer: asked for nothing new, left once it has answered.
    var isRetired = false
    var have: ChunkSet
    /// Oldest first, which is the order of the answers.
    var outstanding: [Request] = []
    /// Chunks it holds that this peer lacks and has not asked for anywhere.
    var wantedCount = 0

    var isIdleRetired: Bool { isSource && isRetired && outstanding.isEmpty }

    func isAsked(_ chunk: ChunkID) -> Bool { outstanding.contains { $0.chunk == chunk } }

    init(peer: PeerIndex, chunkCount: UInt32) {
        self.peer = peer
        have = ChunkSet(chunkCount: chunkCount)
    }
}

/// The neighbours of a peer, and how many of them hold each chunk.
struct Neighbourhood: Sendable {
    private(set) var all: [Neighbour] = []
    /// The numbers of all, side by side, because they are searched for with each announcement.
    private var peers: [PeerIndex] = []
    /// How many neighbours hold each chunk, up to 255.
    private(set) var replicas: [UInt8]
    private let chunkCount: UInt32

    init(chunkCount: UInt32) {
        self.chunkCount = chunkCount
        replicas = Array(repeating: 0, count: Int(chunkCount))
    }

    func index(of peer: PeerIndex) -> Int? {
        peers.firstIndex(of: peer)
    }

    subscript(index: Int) -> Neighbour {
        _read { yield all[index] }
        _modify { yield &all[index] }
    }

    var indices: Range<Int> { all.indices }

    mutating func indexAdding(_ peer: PeerIndex) -> Int {
        if let index = index(of: peer) { return index }
        peers.append(peer)
        all.append(Neighbour(peer: peer, chunkCount: chunkCount))
        return all.count - 1
    }

    /// Returns false if it was known to hold the chunk.
    mutating func adds(_ index: Int, _ chunk: ChunkID, isWanted: Bool) -> Bool {
        guard all[index].have.insert(chunk) else { return false }
        if replicas[Int(chunk)] < .max { replicas[Int(chunk)] += 1 }
        if isWanted { all[index].wantedCount += 1 }
        return true
    }

    /// The neighbour turned out not to hold the chunk.
    mutating func loses(_ index: Int, _ chunk: ChunkID, isWanted: Bool) {
        guard all[index].have.remove(chunk) else { return }
        if replicas[Int(chunk)] > 0 { replicas[Int(chunk)] -= 1 }
        if isWanted { all[index].wantedCount -= 1 }
    }

    /// The chunk became wanted, or is no longer: this peer got it, asked for it, or lost the source it asked.
    mutating func wanted(_ chunk: ChunkID, _ isWanted: Bool) {
        for index in all.indices where all[index].have.contains(chunk) {
            all[index].wantedCount += isWanted ? 1 : -1
        }
    }

    mutating func remove(_ index: Int) {
        all[index].have.forEachRun { run in
            for chunk in run where replicas[Int(chunk)] > 0 { replicas[Int(chunk)] -= 1 }
        }
        all.remove(at: index)
        peers.remove(at: index)
    }
}
