import MillraceWire
import Testing

struct SessionTests {
    struct Step: Decodable { let from: String, type: String, hex: Hex }

    struct Session: Decodable {
        let name: String, accepting: String, connecting: String, steps: [Step]

        func steps(from side: String) -> [Step] { steps.filter { $0.from == side } }
    }

    struct File: Decodable { let sessions: [Session] }

    static let sessions: [Session] = (try? Vectors.load("sessions", as: File.self).sessions) ?? []

    @Test func thereAreSessions() { #expect(Self.sessions.count == 3) }

    @Test(arguments: sessions.indices, ["connecting", "accepting"])
    func aDirectionOfASessionIsTheSameInEverySplit(index: Int, side: String) {
        let session = Self.sessions[index]
        let steps = session.steps(from: side)
        let bytes = steps.flatMap(\.hex.bytes)
        let whole = Stream.read([bytes])
        #expect(whole.error == nil, "\(session.name)")
        #expect(whole.seen.map { "\($0.type)" } == steps.map(\.type))
        #expect(Stream.read(steps.map(\.hex.bytes)).seen == whole.seen)
        #expect(Stream.read(bytes.singly).seen == whole.seen)
        for place in 0...bytes.count where Stream.read(bytes.split(at: place)).seen != whole.seen {
            Issue.record("\(session.name), \(side), split at \(place)")
        }
    }

    @Test func theChunksOfASessionAreTheFile() {
        let chunks = Stream.read([Self.sessions[0].steps(from: "accepting").flatMap(\.hex.bytes)]).seen
        let file = chunks.flatMap { seen in
            if case .chunk(_, _, let bytes) = seen { bytes } else { [] as [UInt8] }
        }
        #expect(file == ManifestTests.fileBytes(2500))
    }
}

/// The state tables of PROTOCOL.md, sections 11 and 12.
struct ConversationTests {
    typealias Machine = [String: [String: String]]

    struct Refusal: Decodable {
        let machine: String, state: String, type: String, hex: Hex, code: UInt16, requirement: String
    }

    struct File: Decodable { let machines: [String: Machine], refusals: [Refusal] }

    static let file: File? = try? Vectors.load("conversations")

    private static let names = Set(MessageType.allCases.map { "\($0)" })

    /// Whether the machine, and those that watch beside it, take the steps one after another.
    private func refusedStep(_ steps: [SessionTests.Step], _ machine: String) throws -> String? {
        let machines = try #require(Self.file?.machines)
        for (name, table) in machines where name == machine || name.hasPrefix(machine + ".") {
            let watched = Set(table.values.flatMap(\.keys))
            let beginnings: Set = ["hello?", "unlisted", "unasked", "growing"]
            var states = beginnings.intersection(table.keys)
            try #require(states.count == 1)
            for step in steps where name == machine || watched.contains(step.type) {
                let next = states.compactMap { table[$0]?[step.type] }
                guard !next.isEmpty else { return "\(name) refuses \(step.type) in \(states)" }
                states = Set(next)
            }
        }
        return nil
    }

    @Test(arguments: SessionTests.sessions.indices) func theTablesTakeEverySession(index: Int) throws {
        let session = SessionTests.sessions[index]
        #expect(try refusedStep(session.steps(from: "connecting"), session.accepting) == nil)
        #expect(try refusedStep(session.steps(from: "accepting"), session.connecting) == nil)
    }

    @Test func theTablesNameKnownMessagesAndStates() throws {
        let machines = try #require(Self.file?.machines)
        #expect(machines.count == 12)
        for (name, table) in machines {
            for moves in table.values {
                #expect(Set(moves.keys).isSubset(of: Self.names), "\(name)")
                #expect(moves.values.allSatisfy { table[$0] != nil || $0 == "closed" }, "\(name)")
            }
        }
    }

    @Test func everyMessageIsTakenBySomebody() throws {
        let machines = try #require(Self.file?.machines)
        #expect(Set(machines.values.flatMap { $0.values.flatMap(\.keys) }) == Self.names)
    }

    @Test func whatAConversationRefusesIsRightByItself() throws {
        for refusal in try #require(Self.file?.refusals) {
            let isHello = refusal.type == "hello"
            let result = Stream.read([isHello ? refusal.hex.bytes : plainHello.frame + refusal.hex.bytes])
            #expect(result.error == nil, "\(refusal.requirement)")
            #expect(result.seen.last.map { "\($0.type)" } == refusal.type)
            #expect(GoodbyeCode(rawValue: refusal.code) != nil)
            #expect(Self.file?.machines[refusal.machine]?[refusal.state] != nil)
        }
    }
}
