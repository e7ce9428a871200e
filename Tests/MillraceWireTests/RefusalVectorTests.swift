import MillraceWire
import Testing

struct RefusalVectorTests {
    struct Refusal: Decodable {
        let name: String, requirement: String, code: UInt16, codeName: String, hex: Hex, firstFrame: Bool

        var bytes: [UInt8] { firstFrame ? hex.bytes : plainHello.frame + hex.bytes }
    }

    struct File: Decodable { let invalid: [Refusal] }

    static let refusals: [Refusal] = (try? Vectors.load("refusals", as: File.self).invalid) ?? []

    @Test func thereAreRefusals() { #expect(Self.refusals.count > 200) }

    @Test(arguments: refusals.indices) func aWrongFrameIsRefusedWithItsCode(index: Int) throws {
        let refusal = Self.refusals[index]
        let result = Stream.read([refusal.bytes])
        let error = try #require(result.error, "\(refusal.name) was taken for \(result.seen)")
        #expect(error.goodbyeCode.rawValue == refusal.code, "\(refusal.name), \(refusal.requirement): \(error)")
        #expect("\(error.goodbyeCode)" == refusal.codeName)
        #expect(!error.description.isEmpty)
        #expect(result.seen.count == (refusal.firstFrame ? 0 : 1), "\(refusal.name)")
    }

    @Test(arguments: refusals.indices) func aWrongFrameIsRefusedInEverySplit(index: Int) {
        let refusal = Self.refusals[index]
        let whole = Stream.read([refusal.bytes]).error
        #expect(Stream.read(refusal.bytes.singly).error == whole, "\(refusal.name)")
        for place in 0...refusal.bytes.count where Stream.read(refusal.bytes.split(at: place)).error != whole {
            Issue.record("\(refusal.name) split at \(place)")
        }
    }

    @Test func everyCodeOfTheCodecIsCovered() {
        let session: Set<GoodbyeCode> = [
            .done, .wrongSwarm, .notReady, .badChunk, .timedOut, .evicted, .tooManyConnections, .selfConnection,
            .sourceFailed, .leaving, .replaced,
        ]
        let covered = Set(Self.refusals.compactMap { GoodbyeCode(rawValue: $0.code) })
        #expect(covered.union(session) == Set(GoodbyeCode.allCases))
    }
}
