import Foundation
import Testing

/// What fuzzers begin with (Fuzz/Corpus/HARNESS) and what once made one stop (Fuzz/Failures/HARNESS) stay harmless.
/// A rule that is broken traps: the test process ends with the line that says which. One after the other, because a
/// harness for conversations has one node for all its runs, as a fuzzer wants it.
@Suite(.serialized, .timeLimit(.minutes(5))) struct FuzzReplayTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Fuzz")

    private static func inputs(_ part: String, _ harness: String) -> [[UInt8]] {
        let files = try? FileManager.default.contentsOfDirectory(
            at: folder.appending(path: "\(part)/\(harness)"), includingPropertiesForKeys: nil)
        return (files ?? []).compactMap { try? Array(Data(contentsOf: $0)) }
    }

    @Test(arguments: Harness.all.map(\.name)) func keptInputsAreHarmless(name: String) throws {
        let harness = try #require(Harness.all.first { $0.name == name })
        let corpus = Self.inputs("Corpus", name)
        #expect(!corpus.isEmpty, "\(name) has nothing to begin with")
        for input in corpus + Self.inputs("Failures", name) { _ = harness.run(input) }
    }

    /// A few thousand inputs of random bytes, the same every time: no substitute for a fuzzer, but always there.
    @Test(arguments: Harness.all.map(\.name)) func randomInputsAreHarmless(name: String) throws {
        let harness = try #require(Harness.all.first { $0.name == name })
        var state: UInt64 = 0x9E37_79B9
        func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        for _ in 0..<400 {
            let input = (0..<Int(next() % 300)).map { _ in UInt8(truncatingIfNeeded: next() >> 24) }
            _ = harness.run(input)
        }
    }
}
