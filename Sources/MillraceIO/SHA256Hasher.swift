import CLibcrypto

/// SHA-256 (FIPS 180-4) by libcrypto, which uses the CPU's instructions for it. One context serves many messages.
public struct SHA256Hasher: ~Copyable, @unchecked Sendable {
    public static let digestByteCount = 32
    private let context: OpaquePointer

    /// Fetched once: the look-up in libcrypto costs more than hashing a small message.
    nonisolated(unsafe) private static let algorithm: OpaquePointer = {
        guard let algorithm = EVP_MD_fetch(nil, "SHA256", nil) else { preconditionFailure("libcrypto has no SHA-256") }
        return algorithm
    }()

    public init() {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
        self.context = context
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

    private func start() {
        let code = EVP_DigestInit_ex2(context, SHA256Hasher.algorithm, nil)
        precondition(code == 1, "EVP_DigestInit_ex2 failed")
    }
}
