import Foundation
import MillraceWire
import Testing

/// PROTOCOL.md and the code say the same numbers.
struct ProtocolDocumentTests {
    private static let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../PROTOCOL.md")

    private static func lines() throws -> [String] {
        try String(contentsOf: path, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
    }

    /// Cells of the table row that begins so.
    private static func cells(_ start: String) throws -> [String] {
        let rows = try lines().filter { $0.hasPrefix(start) }
        try #require(rows.count == 1, "\(start): \(rows.count) rows")
        return rows[0].split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private static func number(_ cell: String) -> Int? { Int(cell.replacing(",", with: "")) }

    @Test(arguments: MessageType.allCases) func theTableOfMessagesHasEveryType(type: MessageType) throws {
        let cells = try Self.cells("| \(type.rawValue) | `\(type)` |")
        #expect(cells[2].isEmpty == !type.usesChunkID)
        #expect(Self.number(cells[3]) == type.payloadByteCounts.lowerBound)
        #expect(Self.number(cells[4]) == type.payloadByteCounts.upperBound)
    }

    @Test(arguments: GoodbyeCode.allCases) func theTableOfCodesHasEveryCode(code: GoodbyeCode) throws {
        #expect(try !Self.cells("| \(code.rawValue) | `\(code)` |").isEmpty)
    }

    @Test(arguments: RejectReason.allCases) func theTableOfReasonsHasEveryReason(reason: RejectReason) throws {
        #expect(try !Self.cells("| \(reason.rawValue) | `\(reason)` |").isEmpty)
    }

    @Test(arguments: [
        ("frame header", WireLimits.frameHeaderByteCount),
        ("skipped payload", WireLimits.largestSkippedByteCount),
        ("chunks of a file", Int(WireLimits.largestChunkCount)),
        ("digests in a frame", WireLimits.largestDigestCountPerFrame),
        ("manifest", 32 + Int(WireLimits.largestChunkCount) * WireLimits.digestByteCount),
        ("one chunk ID list", WireLimits.largestListByteCount),
        ("chunks of one `request`", Int(WireLimits.largestRequestCount)),
        ("requested and rescued chunks outstanding on a connection", WireLimits.largestOutstandingCount),
        ("unused credits on a connection", WireLimits.largestOutstandingCount),
        ("times of `room`", Int(WireLimits.mostRoomTimes)),
        ("roster entries in a frame", WireLimits.largestRosterCountPerFrame),
        ("members of a swarm, peer indices", Int(WireLimits.largestPeerCount)),
        ("file name", WireLimits.largestNameByteCount),
        ("reason in `goodbye`", WireLimits.largestReasonByteCount),
    ]) func theTableOfLimitsHasTheCodesNumber(name: String, limit: Int) throws {
        #expect(Self.number(try Self.cells("| \(name) |")[1]) == limit)
    }

    @Test func everyRequirementIsStatedOnceAndEveryCitedOneIsStated() throws {
        let text = try Self.lines().joined(separator: "\n")
        let statement = /(?m)^(?:- )?(?:The payload[^\n]*|[^\n`]*)`([A-Z]-[0-9]+)` [A-Z`0-9]/
        let stated = text.matches(of: statement).map { String($0.1) }
        let cited = Set(text.matches(of: /`([A-Z]-[0-9]+)`/).map { String($0.1) })
        let missing = cited.subtracting(stated)
        #expect(missing.isEmpty, "\(missing.sorted())")
        let twice = Dictionary(grouping: stated, by: { $0 }).filter { $0.value.count > 1 }.keys
        #expect(twice.isEmpty, "\(twice.sorted())")
    }

    @Test func everyRuleThatAVectorBreaksIsInTheDocument() throws {
        let text = try Self.lines().joined(separator: "\n")
        let rules = RefusalVectorTests.refusals.map(\.requirement)
            + (ConversationTests.file?.refusals.map(\.requirement) ?? []) + ChunkIDListTests.invalid.map(\.requirement)
        for rule in Set(rules) { #expect(text.contains("`\(rule)`"), "\(rule)") }
    }
}
