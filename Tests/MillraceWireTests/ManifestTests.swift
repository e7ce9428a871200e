import MillraceWire
import Testing

struct ManifestTests {
    struct Vector: Decodable {
        let fileByteCount: Int, chunkByteCount: UInt32, digests: [String], prefix: Hex, contentID: String
    }

    struct File: Decodable { let manifests: [Vector] }

    static let vectors: [Vector] = (try? Vectors.load("manifests", as: File.self).manifests) ?? []

    /// The generated files of the vectors.
    static func fileBytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: 7 * $0 + $0 / 256) }
    }

    private static func digests(_ count: Int) -> [Digest] {
        (0..<count).compactMap { digest(Array(repeating: UInt8($0), count: 32)) }
    }

    @Test func theTestsOwnHashIsSHA256() {
        // FIPS 180-4 examples, from NIST's "Examples with intermediate values".
        #expect(sha256(Array("abc".utf8)).hexText == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(sha256([]).hexText == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test(arguments: vectors.indices) func aFileHasTheManifestAndContentIDOfItsVector(index: Int) throws {
        let vector = Self.vectors[index]
        let layout = try ChunkLayout(
            fileByteCount: UInt64(vector.fileByteCount), chunkByteCount: vector.chunkByteCount)
        let file = Self.fileBytes(vector.fileByteCount)
        var manifest = Manifest(layout: layout)
        var canonical = Manifest.canonicalPrefix(layout)
        #expect(canonical == vector.prefix.bytes)
        for chunk in 0..<layout.chunkCount {
            let start = Int(layout.offset(of: chunk))
            let bytes = sha256(Array(file[start..<(start + Int(layout.byteCount(of: chunk)))]))
            canonical += bytes
            try manifest.append(first: chunk, [try #require(digest(bytes))])
        }
        #expect((0..<layout.chunkCount).map { manifest.digest(of: $0)?.hex } == vector.digests)
        #expect(sha256(canonical).hexText == vector.contentID)
        #expect(manifest.hasAllDigests)
        manifest.close(contentID: try #require(Digest(hex: vector.contentID)))
        #expect(manifest.contentID?.hex == vector.contentID)
    }

    @Test func theContentIDDependsOnEveryPartOfTheLayout() throws {
        let layouts = try [(2048, 1024), (2047, 1024), (2048, 2048), (2048, 1025)].map {
            try ChunkLayout(fileByteCount: $0, chunkByteCount: $1)
        }
        #expect(Set(layouts.map(Manifest.canonicalPrefix)).count == layouts.count)
    }

    @Test func digestsOutOfOrderAreRefused() throws {
        var manifest = Manifest(layout: try ChunkLayout(fileByteCount: 3000, chunkByteCount: 1024))
        for first in [1, 3, ChunkID.max] {
            #expect(throws: WireError.badField(.digests, field: "first chunk")) {
                try manifest.append(first: first, Self.digests(1))
            }
        }
        try manifest.append(first: 0, Self.digests(2))
        #expect(manifest.digestCount == 2 && manifest.digest(of: 1) != nil && manifest.digest(of: 2) == nil)
        #expect(throws: WireError.badField(.digests, field: "first chunk")) {
            try manifest.append(first: 0, Self.digests(1))
        }
    }

    @Test func digestsOfChunksBeyondTheLastAreRefused() throws {
        var manifest = Manifest(layout: try ChunkLayout(fileByteCount: 3000, chunkByteCount: 1024))
        let error = #expect(throws: WireError.self) { try manifest.append(first: 0, Self.digests(4)) }
        #expect(error?.goodbyeCode == .badField)
        #expect(manifest.digestCount == 0)
    }

    @Test func digestsAfterTheEndAreRefused() throws {
        var manifest = Manifest(layout: try ChunkLayout(fileByteCount: 0, chunkByteCount: 1024))
        manifest.close(contentID: Self.digests(1)[0])
        #expect(throws: WireError.unexpectedMessage(.digests)) { try manifest.append(first: 0, []) }
    }
}

struct DigestTests {
    @Test func aDigestReadsWhatItWrites() throws {
        var generator = SeededGenerator(seed: 1)
        let bytes = generator.bytes(32)
        let read = try #require(digest(bytes))
        #expect(read.bytes == bytes)
        #expect(read.hex == bytes.hexText && read.description == read.hex)
        #expect(Digest(hex: read.hex) == read)
        #expect(Digest(hex: read.hex.uppercased()) == read)
    }

    @Test(arguments: [0, 31, 33, 64]) func anotherNumberOfBytesIsNoDigest(count: Int) {
        #expect(digest(Array(repeating: UInt8(0), count: count)) == nil)
    }

    @Test func anotherTextIsNoDigest() {
        let digits = String(repeating: "a", count: 63)
        for text in ["", digits, digits + "g", digits + " ", digits + "aa", digits + "é", digits + "\u{FF11}"] {
            #expect(Digest(hex: text) == nil)
        }
    }
}
