import Testing

@testable import MillraceIO

/// Two messages hashed at once have the digests that libcrypto gives each of them.
@Suite struct SHA256PairTests {
    private static let source: [UInt8] = {
        var generator = SeededGenerator(state: 7)
        return generator.bytes(70_000)
    }()

    /// Every length around the ends of the first blocks, where the padding takes one block or two.
    @Test func shortMessagesOfEveryLength() {
        for first in 0...130 {
            for second in [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 130 - first] { expectSame(first, second) }
        }
    }

    @Test func messagesOfVeryDifferentLengths() {
        var generator = SeededGenerator(state: 11)
        for _ in 0..<40 { expectSame(Int(generator.next() % 70_001), Int(generator.next() % 70_001)) }
        expectSame(70_000, 0)
        expectSame(0, 70_000)
        expectSame(65_536, 65_536)
    }

    /// The digests do not depend on where in memory the messages lie.
    @Test func messagesNeedNoAlignment() {
        for offset in 1..<16 { expectSame(1000, 1000, offset: offset) }
    }

    @Test func withoutTheInstructionsTheDigestsAreTheSame() {
        for length in [0, 1, 63, 64, 1000] {
            #expect(pair(length, 777, offset: 0, hashesPairs: false) == lone(length, 777, offset: 0))
        }
    }

    private func expectSame(_ first: Int, _ second: Int, offset: Int = 0) {
        let found = pair(first, second, offset: offset, hashesPairs: SHA256Hasher.gainsFromPairs)
        #expect(found == lone(first, second, offset: offset), "lengths \(first) and \(second)")
    }

    private func pair(_ first: Int, _ second: Int, offset: Int, hashesPairs: Bool) -> [UInt8] {
        var hasher = SHA256Hasher(hashesPairs: hashesPairs)
        var digests: [UInt8] = Array(repeating: 0, count: 64)
        Self.source.withUnsafeBytes { bytes in
            let one = UnsafeRawBufferPointer(rebasing: bytes[offset...].prefix(first))
            let other = UnsafeRawBufferPointer(rebasing: bytes[offset...].suffix(second))
            digests.withUnsafeMutableBytes { hasher.hash(one, other, into: $0) }
        }
        return digests
    }

    private func lone(_ first: Int, _ second: Int, offset: Int) -> [UInt8] {
        var hasher = SHA256Hasher()
        Self.source[offset...].prefix(first).withUnsafeBytes { hasher.update($0) }
        let one: [UInt8] = hasher.finish()
        Self.source[offset...].suffix(second).withUnsafeBytes { hasher.update($0) }
        return one + hasher.finish()
    }
}
