import CLibcrypto
import CSHA256

/// SHA-256 (FIPS 180-4) by libcrypto, which uses the CPU's instructions for it. One context serves many messages.
/// Two whole messages at once take about half the time each where the CPU has such instructions.
public struct SHA256Hasher: ~Copyable, @unchecked Sendable {
    public static let digestByteCount = 32
    private let context: OpaquePointer
    private let hashesPairs: Bool

    /// Whether two messages take less time together than one after the other.
    public static let gainsFromPairs = sha256_pair_is_available()

    /// Fetched once: the look-up in libcrypto costs more than hashing a small message.
    nonisolated(unsafe) private static let algorithm: OpaquePointer = {
        guard let algorithm = EVP_MD_fetch(nil, "SHA256", nil) else { preconditionFailure("libcrypto has no SHA-256") }
        return algorithm
    }()

    public init() { self.init(hashesPairs: SHA256Hasher.gainsFromPairs) }

    init(hashesPairs: Bool) {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
        self.context = context
        self.hashesPairs = hashesPairs
        start()
    }

    deinit { EVP_MD_CTX_free(context) }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let code = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        precondition(code == 1, "EVP_DigestUpdate failed")
    }

    /// Writes the digest into 32 bytes and is ready for the next message.
    public mutating func finish(into digest: UnsafeMutableRawBufferPointer) {
        precondition(digest.count == SHA256Hasher.digestByteCount, "a digest has 32 bytes")
        let code = EVP_DigestFinal_ex(context, digest.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
        precondition(code == 1, "EVP_DigestFinal_ex failed")
        start()
    }

    /// The 32 bytes of the digest; ready for the next message.
    public mutating func finish() -> [UInt8] {
        var digest: [UInt8] = Array(repeating: 0, count: SHA256Hasher.digestByteCount)
        digest.withUnsafeMutableBytes { finish(into: $0) }
        return digest
    }

    /// Writes the digests of two whole messages, one behind the other, into 64 bytes. No message may be under way.
    public mutating func hash(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer,
        into digests: UnsafeMutableRawBufferPointer
    ) {
        let count = SHA256Hasher.digestByteCount
        precondition(digests.count == 2 * count, "two digests have 64 bytes")
        guard hashesPairs, let bytes = digests.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
            update(first)
            finish(into: UnsafeMutableRawBufferPointer(rebasing: digests[..<count]))
            update(second)
            return finish(into: UnsafeMutableRawBufferPointer(rebasing: digests[count...]))
        }
        func start(of message: UnsafeRawBufferPointer) -> UnsafePointer<UInt8>? {
            message.baseAddress?.assumingMemoryBound(to: UInt8.self)
        }
        sha256_pair(start(of: first), first.count, start(of: second), second.count, bytes, bytes + count)
    }

    private func start() {
        let code = EVP_DigestInit_ex2(context, SHA256Hasher.algorithm, nil)
        precondition(code == 1, "EVP_DigestInit_ex2 failed")
    }
}
