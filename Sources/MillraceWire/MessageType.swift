/// The message types of version 1 (PROTOCOL.md, section "Messages").
public enum MessageType: UInt8, Sendable, Equatable, CaseIterable {
    case hello = 1
    case join = 2
    case welcome = 3
    case digests = 4
    case manifestEnd = 5
    case roster = 6
    case rosterAdd = 7
    case rosterRemove = 8
    case listRequest = 9
    case list = 10
    case have = 11
    case credit = 12
    case request = 13
    case cancel = 14
    case reject = 15
    case chunk = 16
    case grant = 17
    case rescue = 18
    case ask = 19
    case bad = 20
    case complete = 21
    case finished = 22
    case goodbye = 23
    case ping = 24
    case pong = 25
    case introduce = 26
    case proof = 27
    case proofRequest = 28
    case room = 29

    /// The payload sizes a frame of this type may have, in bytes; checked before anything is allocated.
    public var payloadByteCounts: ClosedRange<Int> {
        switch self {
        case .hello: WireLimits.helloByteCount...WireLimits.largestHelloByteCount
        case .join: JoinMessage.byteCount...JoinMessage.byteCount
        case .welcome: WelcomeMessage.fixedByteCount...(WelcomeMessage.fixedByteCount + WireLimits.largestNameByteCount)
        case .digests:
            WireLimits.digestByteCount...(WireLimits.digestByteCount * WireLimits.largestDigestCountPerFrame)
        case .manifestEnd, .complete: WireLimits.digestByteCount...WireLimits.digestByteCount
        case .roster: 8...(8 + RosterEntry.byteCount * WireLimits.largestRosterCountPerFrame)
        case .rosterAdd: (8 + RosterEntry.byteCount)...(8 + RosterEntry.byteCount)
        case .rosterRemove: 8...8
        case .listRequest, .cancel, .finished: 0...0
        case .proof: WireLimits.digestByteCount...WireLimits.largestProofByteCount
        case .list, .have, .proofRequest: 1...WireLimits.largestListByteCount
        case .credit, .request, .rescue, .ask, .bad, .introduce: 4...4
        case .reject, .room: 1...1
        case .chunk, .grant: 1...Int(WireLimits.largestChunkByteCount)
        case .goodbye: 2...(2 + WireLimits.largestReasonByteCount)
        case .ping, .pong: 8...8
        }
    }

    /// Whether the payload is chunk bytes, which go past the codec straight to a buffer or file.
    public var carriesChunk: Bool { self == .chunk || self == .grant }

    /// Whether the chunk ID field of the header has a meaning; it is 0 elsewhere.
    public var usesChunkID: Bool {
        switch self {
        case .digests, .request, .cancel, .reject, .chunk, .grant, .rescue, .ask, .bad, .proof: true
        case .hello, .join, .welcome, .manifestEnd, .roster, .rosterAdd, .rosterRemove, .listRequest, .list, .have,
            .credit, .complete, .finished, .goodbye, .ping, .pong, .introduce, .proofRequest, .room:
            false
        }
    }
}
