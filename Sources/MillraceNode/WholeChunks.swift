import MillraceIO
import MillraceWire

/// The chunks of one connection that are whole: one may wait for a second to be hashed with, and up to two are hashed
/// and wait to be taken. Large chunks, and all where pairs gain nothing, are hashed as their bytes arrive.
struct WholeChunks: ~Copyable {
    struct Verdict {
        let header: FrameHeader
        let isGenuine: Bool
    }

    private struct Slot: ~Copyable {
        let header: FrameHeader
        let digest: Digest
        let buffer: PooledBuffer

        var bytes: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: buffer.bytes[..<header.payloadByteCount])
        }
    }

    /// Longer chunks take long enough to hash to begin at once, and two of them do not fit into the cache.
    static let pairedByteCount = 1024 * 1024

    private var first: Slot?
    private var second: Slot?
    private var firstVerdictKept: Verdict?
    private var secondVerdict: Verdict?
    private var hasher = SHA256Hasher()
    private var isPaired = SHA256Hasher.gainsFromPairs

    /// The verdict on the oldest chunk that is hashed.
    var firstVerdict: Verdict? { firstVerdictKept }

    /// A chunk waits for a second one.
    var waits: Bool { first != nil && firstVerdictKept == nil }

    /// The one that does.
    var waitingChunk: ChunkID? {
        switch first {
        case .some(let slot) where firstVerdictKept == nil: slot.header.chunk
        default: nil
        }
    }

    var firstBytes: UnsafeRawBufferPointer {
        switch first {
        case .some(let slot): slot.bytes
        case .none: .init(start: nil, count: 0)
        }
    }

    /// A chunk begins to arrive, of a content whose chunks have this size.
    mutating func begin(chunkByteCount: Int) {
        isPaired = SHA256Hasher.gainsFromPairs && chunkByteCount <= WholeChunks.pairedByteCount
    }

    /// Bytes of the chunk that is arriving now.
    mutating func arrived(_ bytes: UnsafeRawBufferPointer) {
        if !isPaired { hasher.update(bytes) }
    }

    /// Takes a chunk whose last byte has arrived. There is none left with a verdict.
    mutating func append(_ header: FrameHeader, _ digest: Digest, _ buffer: consuming PooledBuffer) {
        precondition(firstVerdictKept == nil, "a chunk that is hashed was not taken")
        let slot = Slot(header: header, digest: digest, buffer: buffer)
        guard first != nil else {
            first = consume slot
            if !isPaired { judgeFirst(hasher.digest()) }
            return
        }
        let digests = hasher.digests(firstBytes, slot.bytes)
        judgeFirst(digests.first)
        secondVerdict = Verdict(header: header, isGenuine: digests.second == digest)
        second = consume slot
    }

    /// Hashes the chunk that waits alone; false if none does.
    @discardableResult
    mutating func settle() -> Bool {
        guard waits else { return false }
        hasher.update(firstBytes)
        judgeFirst(hasher.digest())
        return true
    }

    /// Takes the oldest chunk out and hands its buffer over.
    mutating func removeFirst() -> PooledBuffer? {
        guard let slot = first.take() else { return nil }
        first = second.take()
        firstVerdictKept = secondVerdict
        secondVerdict = nil
        return slot.buffer
    }

    private mutating func judgeFirst(_ found: Digest) {
        switch first {
        case .some(let slot):
            firstVerdictKept = Verdict(header: slot.header, isGenuine: found == slot.digest)
        case .none: preconditionFailure("no chunk to judge")
        }
    }
}
