import Foundation
import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

@Suite struct ContentIDTests {
    /// The rule of the protocol, step by step: the SHA-256 of the prefix and the digests of all pages.
    private func byTheRule(_ bytes: [UInt8], chunkByteCount: Int) throws -> String {
        let layout = try ChunkLayout(fileByteCount: UInt64(bytes.count), chunkByteCount: UInt32(chunkByteCount))
        var canonical = Array("MILLRACE-M".utf8) + [0, 1, 0, 0, 0, 1]
        for (value, width) in [(chunkByteCount, 4), (Int(layout.chunkCount), 4), (bytes.count, 8)] {
            canonical += (0..<width).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let digests = stride(from: 0, to: bytes.count, by: chunkByteCount).map {
            sha256(Array(bytes[$0..<min(bytes.count, $0 + chunkByteCount)]))
        }
        let pageChunkCount = digests.count < 64 ? 1 : 64
        for start in stride(from: 0, to: digests.count, by: pageChunkCount) {
            canonical += joined(Array(digests[start..<min(digests.count, start + pageChunkCount)]))
        }
        return sha256(canonical).map { String(format: "%02x", $0) }.joined()
    }

    private func joined(_ level: [[UInt8]]) -> [UInt8] {
        guard level.count > 1 else { return level[0] }
        return joined(
            stride(from: 0, to: level.count, by: 2).map {
                $0 + 1 < level.count ? sha256(level[$0] + level[$0 + 1]) : level[$0]
            })
    }

    private func sha256(_ bytes: [UInt8]) -> [UInt8] {
        var hasher = SHA256Hasher()
        bytes.withUnsafeBytes { hasher.update($0) }
        return hasher.digest().bytes
    }

    @Test(arguments: [0, 1, 1023, 1024, 1025, 2500, 70_000 * 33])
    func aFilesContentIDFollowsTheRule(byteCount: Int) throws {
        let scratch = try Scratch()
        let bytes = someBytes(byteCount)
        let path = try scratch.write("file", bytes)
        #expect(try ContentID.compute(path: path, chunkByteCount: 1024).hex == byTheRule(bytes, chunkByteCount: 1024))
    }

    /// The file and the ID of the protocol's annotated session.
    @Test func theProtocolsOwnExampleHasItsID() throws {
        let scratch = try Scratch()
        let path = try scratch.write("data.bin", (0..<2500).map { UInt8(truncatingIfNeeded: 7 * $0 + $0 / 256) })
        #expect(
            try ContentID.compute(path: path, chunkByteCount: 1024).hex
                == "89db0f95c699a9f933a5f120e387aac2543de037bfcb5e2e8b63441bf193ad3e")
    }

    @Test func theNameIsNoPartOfIt() throws {
        let scratch = try Scratch()
        let bytes = someBytes(5000)
        let first = try ContentID.compute(path: try scratch.write("a", bytes), chunkByteCount: 1024)
        #expect(try ContentID.compute(path: try scratch.write("b", bytes), chunkByteCount: 1024) == first)
        #expect(try ContentID.compute(path: try scratch.write("a", bytes), chunkByteCount: 2048) != first)
    }

    @Test func whatIsNoFileIsAFileFault() throws {
        let scratch = try Scratch()
        for path in [scratch.path, scratch.path + "/missing"] {
            let failure = #expect(throws: NodeFailure.self) { try ContentID.compute(path: path, chunkByteCount: 1024) }
            #expect(failure?.code == .fileFault)
        }
    }
}
