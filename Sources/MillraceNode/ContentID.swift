import MillraceIO
import MillraceWire

/// The SHA-256 of a manifest's canonical bytes (PROTOCOL.md, section "Manifest").
public enum ContentID {
    /// The manifest must have all its digests.
    public static func compute(_ manifest: Manifest) -> Digest {
        precondition(manifest.hasAllDigests)
        var hasher = SHA256Hasher()
        Manifest.canonicalPrefix(manifest.layout).withUnsafeBytes { hasher.update($0) }
        var bytes: [UInt8] = []
        for digest in manifest.digests {
            digest.append(to: &bytes)
            guard bytes.count >= pieceByteCount else { continue }
            bytes.withUnsafeBytes { hasher.update($0) }
            bytes.removeAll(keepingCapacity: true)
        }
        bytes.withUnsafeBytes { hasher.update($0) }
        return hasher.digest()
    }

    private static let pieceByteCount = 64 * 1024
}

extension SHA256Hasher {
    /// The digest of everything given since the last one.
    mutating func digest() -> Digest {
        var words: InlineArray<4, UInt64> = [0, 0, 0, 0]
        var span = words.mutableSpan
        span.withUnsafeMutableBytes { finish(into: $0) }
        guard let digest = Digest(words.span.bytes) else { preconditionFailure("a digest has 32 bytes") }
        return digest
    }

    /// The digests of two whole messages, in little more time than one takes.
    mutating func digests(
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
