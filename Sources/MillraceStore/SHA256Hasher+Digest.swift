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

    /// The digest of two digests, one behind the other, which is what joins neighbours in a page. No message may be
    /// under way.
    package mutating func join(_ first: Digest, _ second: Digest) -> Digest {
        first.words.span.withUnsafeBytes { update($0) }
        second.words.span.withUnsafeBytes { update($0) }
        return digest()
    }

    /// The digests of two whole messages, in little more time than one takes.
    package mutating func digests(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> (first: Digest, second: Digest) {
        var words: InlineArray<8, UInt64> = [0, 0, 0, 0, 0, 0, 0, 0]
        var span = words.mutableSpan
        span.withUnsafeMutableBytes { hash(first, second, into: $0) }
        let bytes = words.span.bytes
        guard let one = Digest(bytes.extracting(first: 32)), let other = Digest(bytes.extracting(last: 32)) else {
            preconditionFailure("a digest has 32 bytes")
        }
        return (one, other)
    }
}
