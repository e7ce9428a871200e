import MillraceSwarm
import MillraceWire

/// The rules that hold at every step, whatever happens to the machines.
struct Checks {
    private let layout: ChunkLayout
    private(set) var violations: [String] = []
    private(set) var ownerSentByteCount: UInt64 = 0
    private var sentByteCount: UInt64 = 0
    private var arrivedByteCount: UInt64 = 0
    private var lostByteCount: UInt64 = 0
    /// When each chunk was handed out; it may be again after somebody left, or once its peer has had its time.
    private var handedOutAt: [UInt64]
    private var leftAt: UInt64 = 0

    private static let violationLimit = 20

    init(layout: ChunkLayout) {
        self.layout = layout
        handedOutAt = Array(repeating: .max, count: Int(layout.chunkCount))
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

    mutating func arrived(_ chunk: ChunkID) {
        arrivedByteCount += UInt64(layout.byteCount(of: chunk))
    }

    /// A chunk was on a connection that ended.
    mutating func lost(_ chunk: ChunkID?) {
        if let chunk { lostByteCount += UInt64(layout.byteCount(of: chunk)) }
    }

    mutating func granted(_ chunk: ChunkID, isHashed: Bool, at now: UInt64) {
        if !isHashed { fail("the owner hands out chunk \(chunk) before it is hashed") }
        let before = handedOutAt[Int(chunk)]
        handedOutAt[Int(chunk)] = now
        guard before != .max, leftAt < before else { return }
        if now - before < SwarmLimits.shortestGrantPatienceNanoseconds {
            fail("the owner hands out chunk \(chunk) twice")
        }
    }

    /// Somebody left, or is said to lie: the owner may hand out again what that took away.
    mutating func left(at now: UInt64) {
        leftAt = now
    }

    /// What was sent has arrived, was lost with a connection, or is on its way.
    mutating func end(onTheirWay: [ChunkID]) {
        let byteCount = onTheirWay.reduce(UInt64(0)) { $0 + UInt64(layout.byteCount(of: $1)) }
        guard arrivedByteCount + lostByteCount + byteCount != sentByteCount else { return }
        let (sent, arrived, lost) = (sentByteCount, arrivedByteCount, lostByteCount)
        fail("\(sent) bytes were sent, \(arrived) came, \(lost) were lost, \(byteCount) are on their way")
    }
}
