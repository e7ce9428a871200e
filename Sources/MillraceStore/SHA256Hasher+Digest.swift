import MillraceIO
import MillraceWire

extension SHA256Hasher {
    /// The digest of everything given since the last one.
    package mutating func digest() -> Digest {
        var words: InlineArray<4, UInt64> = [0, 0, 0, 0]
        var span = words.mutableSpan
        span.withUnsafeMutableBytes { finish(into: $0) }
        guard let digest = Digest(words.span.bytes) else { preconditionFailure("a digest has 32 bytes") }
        return digest
    }
}
