import MillraceWire
import Testing

struct DiscoveryTests {
    struct Vector: Decodable {
        let name: String, hex: Hex
        let requirement: String?
        let token: String?, listenPort: UInt16?, chunkByteCount: UInt32?, fileByteCount: String?, fileName: String?
        let swarm: Hex?, contentID: String?
    }

    struct File: Decodable { let queries: [Vector], replies: [Vector], dropped: [Vector] }

    static let file = try? Vectors.load("discovery", as: File.self)

    private static func query(_ bytes: [UInt8]) -> DiscoveryQuery? { DiscoveryQuery(bytes.span.bytes) }
    private static func reply(_ bytes: [UInt8]) -> DiscoveryReply? { DiscoveryReply(bytes.span.bytes) }

    @Test func everyQueryOfTheVectorsIsTakenAndWrittenSo() throws {
        for vector in try #require(Self.file).queries {
            let found = Self.query(vector.hex.bytes)
            let query = try #require(found, "\(vector.name)")
            #expect("\(query.token)" == vector.token)
            #expect(query.datagram == vector.hex.bytes, "\(vector.name)")
        }
    }

    @Test func everyReplyOfTheVectorsIsTakenAndWrittenSo() throws {
        for vector in try #require(Self.file).replies {
            let found = Self.reply(vector.hex.bytes)
            let reply = try #require(found, "\(vector.name)")
            let layout = try ChunkLayout(
                fileByteCount: try #require(UInt64(vector.fileByteCount!)), chunkByteCount: vector.chunkByteCount!)
            let expected = DiscoveryReply(
                token: try #require(UInt64(vector.token!)), listenPort: vector.listenPort!, layout: layout,
                name: vector.fileName!, swarm: vector.swarm!.token,
                contentID: vector.contentID.flatMap(Digest.init(hex:)))
            #expect(reply == expected, "\(vector.name)")
            #expect(reply.datagram == vector.hex.bytes, "\(vector.name)")
        }
    }

    @Test func whatIsNeitherIsDropped() throws {
        let dropped = try #require(Self.file).dropped
        #expect(dropped.count > 15)
        for vector in dropped {
            #expect(Self.query(vector.hex.bytes) == nil, "\(vector.name)")
            #expect(Self.reply(vector.hex.bytes) == nil, "\(vector.name)")
        }
    }

    @Test func theLongestReplyIsShorterThanAQuery() throws {
        let layout = try ChunkLayout(fileByteCount: 1 << 40, chunkByteCount: 1 << 20)
        let reply = DiscoveryReply(
            token: 1, listenPort: 1, layout: layout, name: String(repeating: "x", count: 255),
            swarm: NodeToken(high: 1, low: 1), contentID: Digest(hex: String(repeating: "ab", count: 32)))
        #expect(reply.datagram.count == DiscoveryLimits.replyFixedByteCount + 255)
        #expect(reply.datagram.count < DiscoveryQuery(token: 0).datagram.count)
        #expect(DiscoveryQuery(token: 0).datagram.count == DiscoveryLimits.queryByteCount)
    }

    /// Every length, and every byte of a good datagram changed: never a trap, and what is taken is written the same.
    @Test func noDatagramTraps() throws {
        var generator = SeededGenerator(seed: 7)
        for vector in try #require(Self.file).queries + Self.file!.replies {
            for index in vector.hex.bytes.indices {
                var bytes = vector.hex.bytes
                bytes[index] ^= UInt8(truncatingIfNeeded: generator.next() | 1)
                check(bytes)
                check(Array(bytes.prefix(index)))
            }
        }
        for length in 0...600 { check(generator.bytes(length)) }
    }

    private func check(_ bytes: [UInt8]) {
        if let query = Self.query(bytes) { #expect(query.datagram == bytes) }
        if let reply = Self.reply(bytes) { #expect(reply.datagram == bytes) }
    }
}
