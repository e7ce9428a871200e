import MillraceIO
import MillraceWire

/// How far the chunks that an earlier run left have been verified. Sizes are in bytes.
public struct VerificationProgress: Sendable, Equatable {
    /// Chunks that are right, and chunks that must be fetched again.
    public internal(set) var goodCount = 0
    public internal(set) var badCount = 0
    public internal(set) var doneByteCount: UInt64 = 0
    public let totalByteCount: UInt64
    public let totalCount: Int

    public var isDone: Bool { goodCount + badCount == totalCount }

    init(_ candidates: ChunkSet, _ layout: ChunkLayout) {
        totalCount = candidates.count
        let last = layout.chunkCount &- 1
        let full = UInt64(candidates.count) * UInt64(layout.chunkByteCount)
        let isLastShort = layout.chunkCount > 0 && candidates.contains(last)
        totalByteCount = isLastShort ? full - UInt64(layout.chunkByteCount - layout.byteCount(of: last)) : full
    }

    mutating func took(_ byteCount: UInt32, isGood: Bool) {
        doneByteCount += UInt64(byteCount)
        if isGood { goodCount += 1 } else { badCount += 1 }
    }
}

/// The chunks of an earlier run while they are verified: they are hashed as fast as the disk allows, and judged as the
/// owner's digests come, whichever is later.
struct EarlierChunks: Sendable {
    /// Not judged yet: asked of nobody meanwhile.
    private(set) var left: ChunkSet
    private(set) var progress: VerificationProgress
    /// Hashed before their digests were known; nil where a chunk can't be read.
    private var waiting: [(piece: Range<ChunkID>, digests: [Digest?])] = []
    private let layout: ChunkLayout
    private let started = MonotonicClock.nowNanoseconds
    private var noticeAt: UInt64

    private static let noticeNanoseconds: UInt64 = 2_000_000_000

    init(_ candidates: ChunkSet, _ layout: ChunkLayout) {
        left = candidates
        self.layout = layout
        progress = VerificationProgress(candidates, layout)
        noticeAt = started + EarlierChunks.noticeNanoseconds
    }

    var isDone: Bool { progress.isDone }

    mutating func hashed(_ piece: Range<ChunkID>, _ digests: [Digest?]) {
        precondition(piece.count == digests.count, "\(digests.count) digests for \(piece.count) chunks")
        waiting.append((piece, digests))
    }

    /// Judges all that can be: calls `verdict` with each chunk and whether it is right.
    mutating func judge(by manifest: Manifest, _ verdict: (ChunkID, Bool) -> Void) {
        var index = 0
        while index < waiting.count {
            guard waiting[index].piece.allSatisfy({ manifest.digest(of: $0) != nil }) else {
                index += 1
                continue
            }
            let (piece, digests) = waiting.remove(at: index)
            for (chunk, digest) in zip(piece, digests) where left.remove(chunk) {
                let isGood = digest != nil && digest == manifest.digest(of: chunk)
                progress.took(layout.byteCount(of: chunk), isGood: isGood)
                verdict(chunk, isGood)
            }
        }
    }

    /// A line for people where it is time for one.
    mutating func notice(now: UInt64) -> String? {
        guard now >= noticeAt || isDone else { return nil }
        noticeAt = now + EarlierChunks.noticeNanoseconds
        let seconds = Double(now - started) / 1e9
        let rate = Report.rate(progress.doneByteCount, seconds)
        guard isDone else {
            return "verified \(progress.doneByteCount) of \(progress.totalByteCount) bytes of an earlier run, \(rate)"
        }
        let again = progress.badCount == 0 ? "" : ", \(progress.badCount) to be fetched again"
        return "verified \(progress.doneByteCount) bytes of an earlier run in \(Report.seconds(seconds)) s,"
            + " \(rate): \(progress.goodCount) chunks are right\(again)"
    }
}
