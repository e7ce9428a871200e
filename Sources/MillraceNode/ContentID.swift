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
