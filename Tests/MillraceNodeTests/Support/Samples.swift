import MillraceIO
import MillraceWire

@testable import MillraceNode

/// A frame of every type that is right by itself, for a file of three chunks.
enum Sample {
    static let swarm = NodeToken(high: 3, low: 4)
    static let other = NodeToken(high: 5, low: 6)
    static let digest = Digest(hex: String(repeating: "0f", count: 32))!
    static let address = PeerAddress(host: .ownersHost, port: 9)
    static let layout = try! ChunkLayout(fileByteCount: 2500, chunkByteCount: 1024)

    static func hello(_ role: NodeRole) -> Message {
        .hello(HelloMessage(role: role, swarm: swarm, node: other))
    }

    /// Nil for the types that carry chunks: they have no message.
    static func message(_ type: MessageType, helloFrom role: NodeRole) -> Message? {
        switch type {
        case .hello: hello(role)
        case .join: .join(JoinMessage(listenPort: 9))
        case .welcome: .welcome(WelcomeMessage(peer: 0, layout: layout, name: "file.bin"))
        case .digests: .digests(first: 0, [digest])
        case .manifestEnd: .manifestEnd(contentID: digest)
        case .roster: .roster(RosterMessage(start: 0, total: 1, entries: [RosterEntry(peer: 0, address: address)]))
        case .rosterAdd: .rosterAdd(position: 1, total: 2, RosterEntry(peer: 1, address: address))
        case .rosterRemove: .rosterRemove(peer: 1, total: 1)
        case .listRequest: .listRequest
        case .list: .list([0])
        case .have: .have([0])
        case .credit: .credit(count: 1)
        case .request: .request(first: 0, count: 1)
        case .cancel: .cancel(0)
        case .reject: .reject(0, .notHeld)
        case .rescue: .rescue(0, from: nil)
        case .ask: .ask(0, peer: 1)
        case .bad: .bad(0, from: 1)
        case .complete: .complete(contentID: digest)
        case .finished: .finished
        case .introduce: .introduce(peer: 1)
        case .proof: .proof(0, [digest])
        case .proofRequest: .proofRequest([0])
        case .room: .room(times: 2)
        case .chunk, .grant, .goodbye, .ping, .pong: nil
        }
    }
}

/// One conversation of a node with its table: which message is taken in which state.
struct StateTable {
    /// Builds a fresh node and handler and brings it into the state.
    let handler: (String) throws -> any ConnectionHandler
    let role: NodeRole
    let taken: [String: Set<MessageType>]

    /// The pairs of state and message that were not treated as the table says.
    func differences() throws -> [String] {
        var differences: [String] = []
        // Goodbye, ping and pong never reach a handler: the connection answers them in every state.
        for type in MessageType.allCases where ![.goodbye, .ping, .pong].contains(type) {
            for (state, taken) in taken {
                let isRefused = try refuses(try handler(state), type)
                if isRefused == taken.contains(type) {
                    differences.append("\(type) in \(state) is \(isRefused ? "refused" : "taken")")
                }
            }
        }
        return differences.sorted()
    }

    private func refuses(_ handler: any ConnectionHandler, _ type: MessageType) throws -> Bool {
        do throws(ConnectionEnd) {
            if let message = Sample.message(type, helloFrom: role) {
                try handler.received(message, now: MonotonicClock.nowNanoseconds)
            } else {
                _ = try handler.willReceive(FrameHeader(type: type, chunk: 0, payloadByteCount: 1024))
            }
            return false
        } catch {
            return error.code == .unexpectedMessage
        }
    }
}

extension ConnectionHandler {
    func received(_ messages: [Message]) throws {
        for message in messages { try received(message, now: MonotonicClock.nowNanoseconds) }
    }
}
