import Foundation
import MillraceWire
import Testing

/// Inputs that once made a fuzzer stop (Fuzz/Failures/HARNESS/) stay harmless.
struct FuzzFailureTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Fuzz")

    private static func inputs(_ harness: String) -> [[UInt8]] {
        ["Failures", "Corpus"].flatMap { part -> [[UInt8]] in
            let files = try? FileManager.default.contentsOfDirectory(
                at: folder.appending(path: "\(part)/\(harness)"), includingPropertiesForKeys: nil)
            return (files ?? []).compactMap { try? Array(Data(contentsOf: $0)) }
        }
    }

    @Test func streamsThatFuzzingFoundAreHarmless() {
        for bytes in Self.inputs("FrameReader") {
            let whole = Stream.read([bytes])
            #expect(Stream.read(bytes.singly).seen == whole.seen)
        }
    }

    @Test func listsThatFuzzingFoundAreHarmless() {
        for bytes in Self.inputs("ChunkIDList") where bytes.count >= 4 {
            let chunkCount = bytes[..<4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } % 65_537
            let list = Array(bytes[4...])
            try? ChunkIDList.decode(list.span.bytes, of: .have, chunkCount: chunkCount) { run in
                #expect(run.upperBound <= chunkCount)
            }
        }
    }

    @Test func messagesThatFuzzingFoundAreHarmless() {
        for bytes in Self.inputs("MessageDecode") where bytes.count >= 12 {
            let start = Array(bytes[..<12])
            guard case .known(let header) = try? FrameHeader.parse(start.span.bytes), !header.type.carriesChunk,
                bytes.count - 12 >= header.payloadByteCount
            else { continue }
            let payload = Array(bytes[12..<(12 + header.payloadByteCount)])
            _ = try? Message.decode(header, payload: payload.span.bytes)
        }
    }

    @Test func datagramsThatFuzzingFoundAreHarmless() {
        for bytes in Self.inputs("Discovery") {
            if let query = DiscoveryQuery(bytes.span.bytes) { #expect(query.datagram == bytes) }
            if let reply = DiscoveryReply(bytes.span.bytes) { #expect(reply.datagram == bytes) }
        }
    }
}
