@testable import MillraceStore
@testable import MillraceWire

/// A summary file of any bytes, and one whose lines are sealed as ours are: what is read can be written and read again.
enum SummaryHarness {
    static func run(_ bytes: [UInt8]) -> Bool {
        check(bytes)
        var text = Array(SummaryText.firstLine.utf8) + [UInt8(ascii: "\n")]
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let digits = String(CRC32.of(line), radix: 16)
            text += line + Array(" #".utf8) + Array(String(repeating: "0", count: 8 - digits.count).utf8)
            text += Array(digits.utf8) + [UInt8(ascii: "\n")]
        }
        return check(text)
    }

    @discardableResult
    private static func check(_ bytes: [UInt8]) -> Bool {
        // A set of so many chunks takes a bitmap as large as a file of that many chunks deserves: slow, not wrong.
        guard let contents = SummaryText.contents(of: bytes), contents.layout.chunkCount < 1 << 12 else { return true }
        hold(contents.chunks.chunkCount == contents.layout.chunkCount)
        let text =
            SummaryText.header(name: contents.name, layout: contents.layout, contentID: contents.contentID)
            + SummaryText.lines(contents.chunks.runs)
        hold(SummaryText.contents(of: Array(text.utf8)) == contents)
        return true
    }
}
