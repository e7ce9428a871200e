import Testing

@testable import MillraceHTTP

struct ByteRangesTests {
    @Test(arguments: [
        ("bytes=0-99", [0..<100]), ("bytes=100-", [100..<1000]), ("bytes=-1", [999..<1000]),
        ("bytes=-5000", [0..<1000]), ("bytes=990-2000", [990..<1000]), ("Bytes = 1-1", [1..<2]),
        ("bytes=0-0, 5-9 ,-10", [0..<1, 5..<10, 990..<1000]), ("bytes=2000-,3-4", [3..<5]),
        ("bytes=0-99999999999999999999999", [0..<1000]),
    ] as [(String, [Range<UInt64>])])
    func rangesAsTheyAreAskedFor(header: String, ranges: [Range<UInt64>]) {
        #expect(ByteRanges(header, byteCount: 1000) == .some(ranges))
    }

    @Test(arguments: ["bytes=1000-", "bytes=-0", "bytes=99999999999999999999-", "bytes=1000-1001,5000-"])
    func nothingOfTheseExists(header: String) {
        #expect(ByteRanges(header, byteCount: 1000) == .unsatisfiable)
    }

    /// RFC 9110, section 14.2: a header that is no list of ranges, or asks for too much, may be passed over.
    @Test(arguments: [
        "bytes=9-5", "bytes=a-b", "bytes=", "bytes=1", "bytes=-", "lines=1-2", "bytes=1-2-3", "bytes=+1-2",
        "bytes=0-9,5-20", "bytes=0-9,bad", "nonsense",
    ])
    func othersMeanTheWholeFile(header: String) {
        #expect(ByteRanges(header, byteCount: 1000) == .all)
    }

    @Test func noHeaderMeansTheWholeFile() { #expect(ByteRanges(nil, byteCount: 1000) == .all) }

    @Test func manySmallRangesMeanTheWholeFile() {
        func header(_ count: Int) -> String {
            "bytes=" + (0..<count).map { "\($0 * 10)-\($0 * 10)" }.joined(separator: ",")
        }
        #expect(ByteRanges(header(HTTPLimits.rangeCount + 1), byteCount: 1000) == .all)
        guard case .some(let ranges) = ByteRanges(header(HTTPLimits.rangeCount), byteCount: 1000) else {
            Issue.record("as many as are allowed")
            return
        }
        #expect(ranges.count == HTTPLimits.rangeCount)
    }

    @Test func anEmptyFileHasNoRanges() {
        #expect(ByteRanges("bytes=0-", byteCount: 0) == .unsatisfiable)
        #expect(ByteRanges("bytes=-1", byteCount: 0) == .unsatisfiable)
        #expect(ByteRanges(nil, byteCount: 0) == .all)
    }
}
