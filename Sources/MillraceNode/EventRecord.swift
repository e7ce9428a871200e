import MillraceWire

/// Who is at the other end.
enum Party: Sendable, Equatable {
    case owner
    case peer(PeerIndex)
    case unknown
}

/// The events that users asked to see, owner and peers alike.
enum ChunkEvent: Sendable {
    case received, sent
    /// It was here already; with these events what all nodes sent is what all received (P10).
    case discarded
    /// It does not match its digest.
    case refused
}

enum ListEvent: Sendable { case received, sent }

enum RequestEvent: Sendable { case sent, received }

/// One event as it waits for the log to be written: numbers only, so that the threads that move chunks spend next to
/// nothing on it. The words are `EventWriter`'s.
struct EventRecord: Sendable {
    enum Kind: Int, Sendable, CaseIterable {
        case chunkReceived, chunkSent, chunkDiscarded, chunkRefused
        case listReceived, listSent
        case chunksRequested, requestReceived, creditsRequested, creditsReceived
        case notice
    }

    static let unknownNanoseconds = UInt64.max

    let kind: Kind
    var party = Party.unknown
    /// The chunk, or how many chunks or credits; of a notice its place among the texts that wait.
    var first: UInt32 = 0
    /// Bytes or requests; of a list whether it is an addition.
    var second: UInt32 = 0
    var tookNanoseconds = EventRecord.unknownNanoseconds
    /// The number this node had then, and the time since the log began.
    var node: PeerIndex = .max
    var elapsedNanoseconds: UInt64 = 0

    init(_ event: ChunkEvent, _ chunk: ChunkID, byteCount: UInt32, _ party: Party, tookNanoseconds: UInt64?) {
        kind =
            switch event {
            case .received: .chunkReceived
            case .sent: .chunkSent
            case .discarded: .chunkDiscarded
            case .refused: .chunkRefused
            }
        (first, second, self.party) = (chunk, byteCount, party)
        self.tookNanoseconds = tookNanoseconds ?? EventRecord.unknownNanoseconds
    }

    init(_ event: ListEvent, count: Int, isAddition: Bool, _ party: Party) {
        kind = event == .received ? .listReceived : .listSent
        (first, second, self.party) = (UInt32(clamping: count), isAddition ? 1 : 0, party)
    }

    init(_ event: RequestEvent, first: ChunkID, count: UInt32, _ party: Party) {
        kind = event == .sent ? .chunksRequested : .requestReceived
        (self.first, second, self.party) = (first, count, party)
    }

    init(_ event: RequestEvent, credits: UInt32, _ party: Party) {
        kind = event == .sent ? .creditsRequested : .creditsReceived
        (first, self.party) = (credits, party)
    }

    private init(_ kind: Kind) {
        self.kind = kind
    }

    static let notice = EventRecord(.notice)
}

extension EventRecord.Kind {
    /// What people and programs see, and the name of the first number.
    var words: (event: StaticString, first: StaticString) {
        switch self {
        case .chunkReceived: ("chunk received", "chunk")
        case .chunkSent: ("chunk sent", "chunk")
        case .chunkDiscarded: ("chunk discarded", "chunk")
        case .chunkRefused: ("chunk refused", "chunk")
        case .listReceived: ("chunk ID list received", "chunks")
        case .listSent: ("chunk ID list sent", "chunks")
        case .chunksRequested: ("chunks requested", "chunk")
        case .requestReceived: ("request received", "chunk")
        case .creditsRequested: ("chunks requested", "credits")
        case .creditsReceived: ("request received", "credits")
        case .notice: ("notice", "text")
        }
    }
}
