/// A SHA-256 digest (FIPS 180-4): 32 bytes, kept as four big-endian words so that it compares and copies as a value.
public struct Digest: Sendable, Hashable, BitwiseCopyable {
    private let word0, word1, word2, word3: UInt64

    init(_ word0: UInt64, _ word1: UInt64, _ word2: UInt64, _ word3: UInt64) {
        self.word0 = word0
        self.word1 = word1
        self.word2 = word2
        self.word3 = word3
    }

    /// Takes 32 bytes; nil for any other count.
    public init?(_ bytes: RawSpan) {
        guard bytes.byteCount == WireLimits.digestByteCount else { return nil }
        func word(_ index: Int) -> UInt64 {
            UInt64(bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
        }
        self.init(word(0), word(1), word(2), word(3))
    }

    /// Takes 64 hexadecimal digits, as people type and read it; nil for anything else.
    public init?(hex: String) {
        let digits = Array(hex.utf8)
        guard digits.count == 2 * WireLimits.digestByteCount else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (index, digit) in digits.enumerated() {
            guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
            words[index / 16] = words[index / 16] << 4 | UInt64(value)
        }
        self.init(words[0], words[1], words[2], words[3])
    }

    public func append(to bytes: inout [UInt8]) {
        bytes.appendInteger(word0)
        bytes.appendInteger(word1)
        bytes.appendInteger(word2)
        bytes.appendInteger(word3)
    }

    /// The bytes as they lie in memory, eight to a word.
    public var words: InlineArray<4, UInt64> {
        [word0.bigEndian, word1.bigEndian, word2.bigEndian, word3.bigEndian]
    }

    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(WireLimits.digestByteCount)
        append(to: &bytes)
        return bytes
    }

    /// 64 lower-case hexadecimal digits.
    public var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

extension Digest: CustomStringConvertible {
    public var description: String { hex }
}
