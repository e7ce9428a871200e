/// One way to try arbitrary bytes on a part of Millrace: traps where a rule is broken. `Scripts/fuzz.sh` drives them
/// with libFuzzer, the tests here replay what it found and what it shall begin with.
struct Harness: Sendable {
    let name: String
    /// Returns false for input that is of no use to begin others from.
    let run: @Sendable ([UInt8]) -> Bool

    static let all = [
        Harness(name: "FrameReader", run: FrameReaderHarness.run),
        Harness(name: "MessageDecode", run: MessageDecodeHarness.run),
        Harness(name: "ChunkIDList", run: ChunkIDListHarness.run),
        Harness(name: "Discovery", run: DiscoveryHarness.run),
        Harness(name: "Manifest", run: ManifestHarness.run),
        Harness(name: "Summary", run: SummaryHarness.run),
        Harness(name: "OutputName", run: OutputNameHarness.run),
        Harness(name: "Endpoint", run: EndpointHarness.run),
        Harness(name: "HTTPRequest", run: HTTPRequestHarness.run),
        Harness(name: "OwnerPolicy", run: OwnerPolicyHarness.run),
        Harness(name: "PeerPolicy", run: PeerPolicyHarness.run),
        Harness(name: "OwnerConversation", run: OwnerConversationHarness.run),
        Harness(name: "PeerConversation", run: PeerConversationHarness.run),
    ]
}

/// Reads input byte by byte; what is missing at its end reads as 0.
struct Feed {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    /// A number below a limit; biased, which does not matter here.
    mutating func number(below limit: Int) -> Int { limit <= 256 ? Int(byte()) % limit : Int(wide()) % limit }

    mutating func wide() -> UInt32 { UInt32(byte()) << 8 | UInt32(byte()) }

    mutating func integer() -> UInt64 { (0..<8).reduce(0) { sum, _ in sum << 8 | UInt64(byte()) } }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in byte() } }
}

/// A rule that must hold: unlike `precondition` it says which one did not in optimised builds too.
@inline(__always)
func hold(_ condition: Bool, _ text: @autoclosure () -> String = "", line: Int = #line, file: StaticString = #fileID) {
    if !condition { fatalError("\(file):\(line) does not hold: \(text())") }
}
