import Foundation
import MillraceWire
import Testing

@testable import MillraceHTTP

struct TextFormTests {
    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
    ])
    func datesAsHTTPWritesThem(seconds: Int64, text: String) {
        #expect(HTTPDate.text(seconds) == text)
        #expect(HTTPDate.seconds(text) == seconds)
    }

    @Test func datesAgreeWithTheSystem() throws {
        for seconds in stride(from: Int64(0), to: 5_000_000_000, by: 86_400 * 37 + 12_345) {
            var time = time_t(seconds)
            var parts = tm()
            gmtime_r(&time, &parts)
            var buffer = [CChar](repeating: 0, count: 64)
            strftime(&buffer, 64, "%a, %d %b %Y %H:%M:%S GMT", &parts)
            let length = buffer.firstIndex(of: 0) ?? 0
            let text = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            #expect(HTTPDate.text(seconds) == text)
            #expect(HTTPDate.seconds(text) == seconds)
        }
    }

    @Test(arguments: [
        "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nix 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT",
    ])
    func noOtherFormIsRead(text: String) { #expect(HTTPDate.seconds(text) == nil) }

    @Test func percentCodingGoesBothWays() {
        let name = "żółw 100%/\"a\"\n?#"
        #expect(PercentCoding.decode(PercentCoding.encode(name).utf8) == Array(name.utf8))
        #expect(PercentCoding.encode("a b/ä") == "a%20b%2F%C3%A4")
        for broken in ["%", "%a", "%zz", "a%1"] { #expect(PercentCoding.decode(broken.utf8) == nil) }
    }

    @Test func anyNameIsSafeInAHeader() {
        let text = FileAnswer.disposition("a\"b\\c\r\nX: ä.bin")
        #expect(text == "attachment; filename=\"a_b_c__X: _.bin\"; filename*=UTF-8''a%22b%5Cc%0D%0AX%3A%20%C3%A4.bin")
    }

    @Test func base64AsOthersMakeIt() {
        for count in 0..<10 {
            let bytes = (0..<count).map { UInt8($0 * 37 & 255) }
            #expect(Page.base64(bytes) == Data(bytes).base64EncodedString())
        }
    }

    @Test func jsonIsReadByOthers() throws {
        var writer = JSONWriter()
        let text = "a\"\\\n\u{1}</script>\u{2028}é🐢"
        writer.object { json in
            json.field("text", text)
            json.field("nothing", nil as String?)
            json.field("number", 12.3456789)
            json.field("tiny", 1e-9)
            json.field("infinite", Double.infinity)
            json.array("list") { json in
                json.element(1)
                json.element(2)
            }
            json.object("empty") { _ in }
            json.field("flag", true)
        }
        let read = try JSONSerialization.jsonObject(with: Data(writer.text.utf8)) as? [String: Any]
        let object = try #require(read)
        #expect(object["text"] as? String == text)
        #expect(object["nothing"] is NSNull)
        #expect(object["number"] as? Double == 12.345679)
        #expect(object["tiny"] as? Double == 0)
        #expect(object["infinite"] as? Double == 0)
        #expect(object["list"] as? [Int] == [1, 2])
        #expect(object["flag"] as? Bool == true)
        #expect(!writer.text.contains("<"))
    }

    @Test func aMapHasADigitForEachRunOfChunks() {
        var set = ChunkSet(chunkCount: 1000)
        #expect(ChunkMap.text(set, cellCount: 4) == "0000")
        set.insert(0..<250)
        set.insert(250..<251)
        set.insert(500..<749)
        #expect(ChunkMap.text(set, cellCount: 4) == "9180")
        #expect(ChunkMap.text(.all(of: 1000), cellCount: 256) == String(repeating: "9", count: 256))
        #expect(ChunkMap.text(.all(of: 3), cellCount: 256) == "999")
        #expect(ChunkMap.text(ChunkSet(chunkCount: 0), cellCount: 256) == "")
    }

    /// Every chunk is in one cell, and counts there.
    @Test(arguments: [1, 2, 63, 64, 65, 300, 1000]) func cellsCoverAllChunksOnce(chunkCount: Int) {
        let cells = min(256, chunkCount)
        var next = 0
        for cell in 0..<cells {
            let chunks = ChunkMap.chunks(ofCell: cell, cellCount: cells, chunkCount: chunkCount)
            #expect(chunks.lowerBound == next && !chunks.isEmpty)
            next = chunks.upperBound
            var set = ChunkSet(chunkCount: UInt32(chunkCount))
            set.insert(UInt32(chunks.lowerBound)..<UInt32(chunks.upperBound))
            #expect(set.count(in: chunks) == chunks.count)
            #expect(set.count(in: 0..<chunkCount) == chunks.count)
        }
        #expect(next == chunkCount)
    }
}
