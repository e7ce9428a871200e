/// A set of chunk IDs of one file as a bitmap, 64 chunks a word. Iterates in ascending order, always.
public struct ChunkSet: Sendable, Equatable {
    /// How many chunks the file has: the capacity, not the number of members.
    public let chunkCount: UInt32
    /// Bit i of word w is chunk 64 w + i. Bits beyond `chunkCount` are 0.
    public private(set) var words: [UInt64]
    /// How many chunks are members.
    public private(set) var count = 0

    public init(chunkCount: UInt32) {
        self.chunkCount = chunkCount
        words = Array(repeating: 0, count: (Int(chunkCount) + 63) / 64)
    }

    public static func all(of chunkCount: UInt32) -> ChunkSet {
        var set = ChunkSet(chunkCount: chunkCount)
        set.insert(0..<chunkCount)
        return set
    }

    public var isEmpty: Bool { count == 0 }
    public var isFull: Bool { count == Int(chunkCount) }

    @inlinable
    public func contains(_ chunk: ChunkID) -> Bool {
        chunk < chunkCount && words[Int(chunk >> 6)] & (1 << UInt64(chunk & 63)) != 0
    }

    /// Adds one chunk, which must exist. Returns false if it was there already.
    @discardableResult
    public mutating func insert(_ chunk: ChunkID) -> Bool {
        precondition(chunk < chunkCount, "chunk \(chunk) of \(chunkCount)")
        let bit: UInt64 = 1 << UInt64(chunk & 63)
        guard words[Int(chunk >> 6)] & bit == 0 else { return false }
        words[Int(chunk >> 6)] |= bit
        count += 1
        return true
    }

    /// Adds a range of chunks, all of which must exist.
    public mutating func insert(_ range: Range<ChunkID>) {
        guard !range.isEmpty else { return }
        precondition(range.upperBound <= chunkCount, "chunks \(range) of \(chunkCount)")
        let first = Int(range.lowerBound >> 6)
        let last = Int((range.upperBound - 1) >> 6)
        for index in first...last {
            var mask = UInt64.max
            if index == first { mask &= UInt64.max << UInt64(range.lowerBound & 63) }
            if index == last { mask &= UInt64.max >> UInt64(63 - ((range.upperBound - 1) & 63)) }
            count += (mask & ~words[index]).nonzeroBitCount
            words[index] |= mask
        }
    }

    /// Adds a range of chunks, all of which must exist. Returns those parts of it that were no members, ascending: a
    /// word at a time, because whoever repeats what was said must cost little.
    public mutating func insertMissing(_ range: Range<ChunkID>) -> [Range<ChunkID>] {
        var parts: [Range<ChunkID>] = []
        var next = range.lowerBound
        while next < range.upperBound {
            let start = firstMissing(from: next)
            guard start < range.upperBound else { break }
            let end = min(first(from: start) ?? chunkCount, range.upperBound)
            parts.append(start..<end)
            next = end
        }
        insert(range)
        return parts
    }

    /// The lowest chunk at or after `start` that is no member; the number of chunks if there is none.
    public func firstMissing(from start: ChunkID = 0) -> ChunkID {
        guard start < chunkCount else { return chunkCount }
        var index = Int(start >> 6)
        var word = ~words[index] & (UInt64.max << UInt64(start & 63))
        while word == 0 {
            index += 1
            guard index < words.count else { return chunkCount }
            word = ~words[index]
        }
        return min(ChunkID(index * 64 + word.trailingZeroBitCount), chunkCount)
    }

    /// Takes one chunk out. Returns false if it was not there.
    @discardableResult
    public mutating func remove(_ chunk: ChunkID) -> Bool {
        guard contains(chunk) else { return false }
        words[Int(chunk >> 6)] &= ~(1 << UInt64(chunk & 63))
        count -= 1
        return true
    }

    public mutating func formUnion(_ other: ChunkSet) {
        precondition(other.chunkCount == chunkCount)
        for index in words.indices {
            count += (other.words[index] & ~words[index]).nonzeroBitCount
            words[index] |= other.words[index]
        }
    }

    /// The lowest member at or after `start`; nil if there is none.
    public func first(from start: ChunkID = 0) -> ChunkID? {
        guard start < chunkCount else { return nil }
        var index = Int(start >> 6)
        var word = words[index] & (UInt64.max << UInt64(start & 63))
        while word == 0 {
            index += 1
            guard index < words.count else { return nil }
            word = words[index]
        }
        return ChunkID(index * 64 + word.trailingZeroBitCount)
    }

    /// The lowest chunk of this set, at or after `start`, that `other` lacks; nil if there is none.
    public func first(from start: ChunkID = 0, missingIn other: ChunkSet) -> ChunkID? {
        precondition(other.chunkCount == chunkCount)
        guard start < chunkCount else { return nil }
        var index = Int(start >> 6)
        var word = words[index] & ~other.words[index] & (UInt64.max << UInt64(start & 63))
        while word == 0 {
            index += 1
            guard index < words.count else { return nil }
            word = words[index] & ~other.words[index]
        }
        return ChunkID(index * 64 + word.trailingZeroBitCount)
    }

    /// Calls `body` for each run of consecutive members, in ascending order.
    public func forEachRun(_ body: (Range<ChunkID>) -> Void) {
        var next: ChunkID = 0
        while let start = first(from: next) {
            var end = start + 1
            while end < chunkCount, contains(end) {
                let rest = ~words[Int(end >> 6)] >> UInt64(end & 63)
                let step = rest == 0 ? 64 - (end & 63) : UInt32(rest.trailingZeroBitCount)
                guard step > 0 else { break }
                end = min(chunkCount, end + step)
            }
            body(start..<end)
            next = end
        }
    }

    public var runs: [Range<ChunkID>] {
        var runs: [Range<ChunkID>] = []
        forEachRun { runs.append($0) }
        return runs
    }

    /// Replaces the contents by a bitmap whose spare bits are known to be 0.
    mutating func replace(words newWords: [UInt64]) {
        precondition(newWords.count == words.count)
        words = newWords
        count = newWords.reduce(0) { $0 + $1.nonzeroBitCount }
    }
}
