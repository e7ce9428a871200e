import MillraceWire

/// The rules that hold at every step, whatever happens to the machines.
struct Checks {
    private let layout: ChunkLayout
    private(set) var violations: [String] = []
    private(set) var ownerSentByteCount: UInt64 = 0
    private var sentByteCount: UInt64 = 0
    private var arrivedByteCount: UInt64 = 0
    private var lostByteCount: UInt64 = 0
    /// Chunks handed out, which may be handed out again only after somebody left.
    private var handedOut: ChunkSet

    private static let violationLimit = 20

    init(layout: ChunkLayout) {
        self.layout = layout
        handedOut = ChunkSet(chunkCount: layout.chunkCount)
    }

    mutating func fail(_ text: @autoclosure () -> String) {
        if violations.count < Checks.violationLimit { violations.append(text()) }
    }

    /// The first turn of a chunk begins.
    mutating func sent(_ chunk: ChunkID, byOwner: Bool) {
        let byteCount = UInt64(layout.byteCount(of: chunk))
        sentByteCount += byteCount
        if byOwner { ownerSentByteCount += byteCount }
    }

    mutating func arrived(_ chunk: ChunkID, isUseful: Bool) {
        arrivedByteCount += UInt64(layout.byteCount(of: chunk))
    }

    /// A chunk was on a connection that ended.
    mutating func lost(_ chunk: ChunkID?) {
        if let chunk { lostByteCount += UInt64(layout.byteCount(of: chunk)) }
    }

    mutating func granted(_ chunk: ChunkID, isHashed: Bool, isHeld: Bool, at now: UInt64) {
        if !isHashed { fail("the owner hands out chunk \(chunk) before it is hashed") }
        if !handedOut.insert(chunk) { fail("the owner hands out chunk \(chunk) twice") }
    }

    /// Somebody left: the owner may hand out again what that took away.
    mutating func left(_ isOpen: (PeerIndex) -> Bool) {
        handedOut = ChunkSet(chunkCount: layout.chunkCount)
    }

    /// What was sent has arrived, was lost with a connection, or is on its way.
    mutating func end(onTheirWay: [ChunkID]) {
        let byteCount = onTheirWay.reduce(UInt64(0)) { $0 + UInt64(layout.byteCount(of: $1)) }
        guard arrivedByteCount + lostByteCount + byteCount != sentByteCount else { return }
        let (sent, arrived, lost) = (sentByteCount, arrivedByteCount, lostByteCount)
        fail("\(sent) bytes were sent, \(arrived) came, \(lost) were lost, \(byteCount) are on their way")
    }
}
