import Testing

@testable import MillraceIO

@Suite struct SHA256Tests {
    /// FIPS 180-4 examples, and the empty message.
    @Test(arguments: [
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func knownMessagesHaveTheirDigests(message: String, digest: String) {
        var hasher = SHA256Hasher()
        #expect(hex(hasher.hash(message)) == digest)
        #expect(hex(hasher.hash(message)) == digest)
    }

    @Test func aMessageInPiecesIsTheSameMessage() {
        var hasher = SHA256Hasher()
        let whole = hasher.hash("one two")
        Array("one".utf8).withUnsafeBytes { hasher.update($0) }
        Array(" two".utf8).withUnsafeBytes { hasher.update($0) }
        #expect(hasher.finish() == whole)
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

extension SHA256Hasher {
    fileprivate mutating func hash(_ text: String) -> [UInt8] {
        Array(text.utf8).withUnsafeBytes { update($0) }
        return finish()
    }
}

@Suite struct BufferPoolTests {
    @Test func theLastBufferGivenBackIsTheFirstTaken() {
        let pool = BufferPool(byteCount: 5000, keep: 2)
        let first = pool.take()
        let second = pool.take()
        let addresses = (first.bytes.baseAddress, second.bytes.baseAddress)
        #expect(Int(bitPattern: addresses.0) % 4096 == 0)
        #expect(first.bytes.count == 5000)
        pool.give(first)
        pool.give(second)
        #expect(pool.take().bytes.baseAddress == addresses.1)
        #expect(pool.take().bytes.baseAddress == addresses.0)
    }

    @Test func buffersBeyondTheLimitAreFreed() {
        let pool = BufferPool(byteCount: 64, keep: 1)
        let first = pool.take()
        let second = pool.take()
        let kept = first.bytes.baseAddress
        pool.give(first)
        pool.give(second)
        #expect(pool.take().bytes.baseAddress == kept)
    }
}
