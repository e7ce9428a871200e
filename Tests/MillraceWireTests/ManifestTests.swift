import MillraceWire
import Testing

struct ManifestTests {
    struct Vector: Decodable {
        struct Proof: Decodable { let chunk: ChunkID, digests: [String] }

        let fileByteCount: Int, chunkByteCount: UInt32, digests: [String], prefix: Hex, contentID: String
        let pages: [String], proofs: [Proof]

        var layout: ChunkLayout {
            get throws {
                try ChunkLayout(fileByteCount: UInt64(fileByteCount), chunkByteCount: chunkByteCount)
            }
        }
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
        let layout = try vector.layout
        let file = Self.fileBytes(vector.fileByteCount)
        var manifest = Manifest(layout: layout)
        for chunk in 0..<layout.chunkCount {
            let start = Int(layout.offset(of: chunk))
            let bytes = sha256(Array(file[start..<(start + Int(layout.byteCount(of: chunk)))]))
            manifest.append(chunks: [try #require(digest(bytes))], join: join)
        }
        #expect(manifest.hasAllDigests)
        #expect((0..<layout.chunkCount).map { manifest.digest(of: $0)?.hex } == vector.digests)
        #expect(manifest.digests.map(\.hex) == vector.pages)
        let canonical = Manifest.canonicalPrefix(layout)
        #expect(canonical == vector.prefix.bytes)
        #expect(sha256(canonical + manifest.digests.flatMap(\.bytes)).hexText == vector.contentID)
        manifest.close(contentID: try #require(Digest(hex: vector.contentID)))
        #expect(manifest.contentID?.hex == vector.contentID)
    }

    /// A peer that knows only the digests of pages takes the proofs of the vector, and can pass them on.
    @Test(arguments: vectors.indices) func proofsLeadToTheDigestsOfPages(index: Int) throws {
        let vector = Self.vectors[index]
        var manifest = Manifest(layout: try vector.layout)
        try manifest.append(first: 0, vector.pages.map { try #require(Digest(hex: $0)) })
        for proof in vector.proofs {
            let digests = try proof.digests.map { try #require(Digest(hex: $0)) }
            #expect(manifest.layout.proofDigestCount(of: proof.chunk) == digests.count)
            #expect(try manifest.learn(digests, of: proof.chunk, join: join))
            #expect(manifest.digest(of: proof.chunk)?.hex == vector.digests[Int(proof.chunk)])
            #expect(manifest.proof(of: proof.chunk) == (manifest.layout.pageHeight > 0 ? digests : nil))
        }
    }

    /// Whatever digest of a proof is another one, it is refused, and nothing is learnt.
    @Test func aProofWithAnyOtherDigestIsRefused() throws {
        let owner = try paged()
        for chunk in [0, 63, 64, 99] as [ChunkID] {
            let proof = try #require(owner.proof(of: chunk))
            for place in proof.indices {
                var peer = Manifest(layout: owner.layout)
                try peer.append(first: 0, owner.digests)
                var wrong = proof
                wrong[place] = Self.digests(101)[100]
                #expect(try !peer.learn(wrong, of: chunk, join: join))
                #expect(peer.digest(of: chunk) == nil && peer.proof(of: chunk) == nil)
                #expect(try peer.learn(proof, of: chunk, join: join))
                #expect(try !peer.learn(wrong, of: chunk, join: join) || place > 0)
                #expect(peer.proof(of: chunk) == proof)
            }
        }
    }

    @Test func aProofOfAnotherLengthOrOfAnUnknownPageIsABadField() throws {
        let owner = try paged()
        var peer = Manifest(layout: owner.layout)
        try peer.append(first: 0, [owner.digests[0]])
        let proof = try #require(owner.proof(of: 1))
        for wrong in [[], Array(proof.dropLast()), proof + [proof[0]]] {
            #expect(throws: WireError.badField(.proof, field: "digests")) {
                try peer.learn(wrong, of: 1, join: join)
            }
        }
        #expect(throws: WireError.badField(.proof, field: "digests")) { try peer.learn(proof, of: 64, join: join) }
        #expect(throws: WireError.self) { try peer.learn(proof, of: 100, join: join) }
    }

    @Test func whatAnEarlierConnectionBroughtMustComeAgainTheSame() throws {
        let owner = try paged()
        var peer = Manifest(layout: owner.layout)
        #expect(try peer.extend(first: 0, [owner.digests[0]], after: 0))
        #expect(try peer.extend(first: 0, owner.digests, after: 0))
        #expect(peer.digests == owner.digests)
        #expect(try peer.extend(first: 64, [owner.digests[1]], after: 1))
        #expect(try !peer.extend(first: 0, owner.digests.reversed(), after: 0))
        #expect(throws: WireError.badField(.digests, field: "first chunk")) {
            try peer.extend(first: 1, [owner.digests[1]], after: 1)
        }
        #expect(peer.digests == owner.digests)
    }

    @Test func aPageCountsOnceItIsWhole() throws {
        var manifest = Manifest(layout: try ChunkLayout(fileByteCount: 100 * 1024, chunkByteCount: 1024))
        manifest.append(chunks: Self.digests(63), join: join)
        #expect(manifest.coveredChunkCount == 0 && manifest.digest(of: 0) == nil)
        manifest.append(chunks: Self.digests(2), join: join)
        #expect(manifest.coveredChunkCount == 64 && manifest.digest(of: 63) == Self.digests(1)[0])
        #expect(manifest.digest(of: 64) == nil)
        manifest.append(chunks: Self.digests(35), join: join)
        #expect(manifest.coveredChunkCount == 100 && manifest.hasAllDigests)
    }

    /// A hundred chunks: a page of 64 and one of 36.
    private func paged() throws -> Manifest {
        var manifest = Manifest(layout: try ChunkLayout(fileByteCount: 100 * 1024, chunkByteCount: 1024))
        manifest.append(chunks: Self.digests(100), join: join)
        return manifest
    }

    private func join(_ first: Digest, _ second: Digest) -> Digest {
        guard let joined = digest(sha256(first.bytes + second.bytes)) else { preconditionFailure("32 bytes") }
        return joined
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
        #expect(manifest.coveredChunkCount == 2 && manifest.digest(of: 1) != nil && manifest.digest(of: 2) == nil)
        #expect(throws: WireError.badField(.digests, field: "first chunk")) {
            try manifest.append(first: 0, Self.digests(1))
        }
    }

    @Test func digestsOfChunksBeyondTheLastAreRefused() throws {
        var manifest = Manifest(layout: try ChunkLayout(fileByteCount: 3000, chunkByteCount: 1024))
        let error = #expect(throws: WireError.self) { try manifest.append(first: 0, Self.digests(4)) }
        #expect(error?.goodbyeCode == .badField)
        #expect(manifest.coveredChunkCount == 0)
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
