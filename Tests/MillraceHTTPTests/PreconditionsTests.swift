import Testing

@testable import MillraceHTTP

struct PreconditionsTests {
    private let validators = Validators(tag: "\"abc\"", modifiedSeconds: 784_111_777)
    private static let at = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let before = "Sun, 06 Nov 1994 08:49:36 GMT"
    private static let after = "Sun, 06 Nov 1994 08:49:38 GMT"

    private func request(_ headers: [(String, String)]) -> HTTPRequest {
        HTTPRequest(
            method: "GET", path: [], query: nil, host: nil, isVersion11: true,
            headers: headers.map { (name: $0.0, value: $0.1) })
    }

    @Test(arguments: [
        ("if-match", "\"abc\"", .proceed), ("if-match", "*", .proceed), ("if-match", "\"x\", \"abc\"", .proceed),
        ("if-match", "\"x\"", .failed), ("if-match", "W/\"abc\"", .failed),
        ("if-none-match", "\"abc\"", .notModified), ("if-none-match", "W/\"abc\"", .notModified),
        ("if-none-match", "*", .notModified), ("if-none-match", "\"x\"", .proceed),
        ("if-modified-since", at, .notModified), ("if-modified-since", after, .notModified),
        ("if-modified-since", before, .proceed), ("if-modified-since", "yesterday", .proceed),
        ("if-unmodified-since", before, .failed), ("if-unmodified-since", at, .proceed), ("range", "x", .proceed),
    ] as [(String, String, Preconditions.Outcome)])
    func oneCondition(name: String, value: String, outcome: Preconditions.Outcome) {
        #expect(Preconditions.evaluate(request([(name, value)]), validators) == outcome)
    }

    @Test func tagsGoBeforeDates() {
        let stale = request([("if-none-match", "\"x\""), ("if-modified-since", Self.at)])
        #expect(Preconditions.evaluate(stale, validators) == .proceed)
        let same = request([("if-match", "\"abc\""), ("if-unmodified-since", Self.before)])
        #expect(Preconditions.evaluate(same, validators) == .proceed)
    }

    @Test(arguments: [
        ("\"abc\"", true), ("\"x\"", false), ("W/\"abc\"", false), (at, true), (before, false), (after, false),
        ("nonsense", false),
    ])
    func aRangeCountsForTheSameVersionOnly(condition: String, counts: Bool) {
        #expect(Preconditions.rangeCounts(request([("if-range", condition)]), validators) == counts)
    }

    @Test func withoutConditionARangeCounts() { #expect(Preconditions.rangeCounts(request([]), validators)) }

    /// What has no tag yet matches none.
    @Test func nothingMatchesAnUnknownVersion() {
        let unknown = Validators(tag: nil, modifiedSeconds: nil)
        #expect(Preconditions.evaluate(request([("if-match", "\"abc\"")]), unknown) == .failed)
        #expect(Preconditions.evaluate(request([("if-none-match", "\"abc\"")]), unknown) == .proceed)
        #expect(!Preconditions.rangeCounts(request([("if-range", "\"abc\"")]), unknown))
        #expect(!Preconditions.rangeCounts(request([("if-range", Self.at)]), unknown))
    }
}
