import MillraceWire

/// Puts events into words, text or JSON, many at a time and always by one thread: a line is a few copies of what is the
/// same in all lines of its kind and the digits between them.
struct EventWriter: ~Copyable {
    private let role: StaticString
    private let isJSON: Bool
    /// The time of day, since 1970, at which the log began.
    private let startWallNanoseconds: UInt64
    private var lines = LineBuffer()
    private var sequence: UInt64 = 0
    /// The number for which `heads` were made.
    private var node = PeerIndex.max
    /// By kind: from behind the time up to the first number.
    private var heads: [[UInt8]] = []

    init(role: StaticString, isJSON: Bool, startWallNanoseconds: UInt64) {
        self.role = role
        self.isJSON = isJSON
        self.startWallNanoseconds = startWallNanoseconds
    }

    /// Calls `body` with the lines of some of the records, in order, until all are written or it returns false.
    mutating func write(
        _ records: [EventRecord], in places: Range<Int>, _ texts: [[UInt8]], _ body: (UnsafeRawBufferPointer) -> Bool
    ) {
        var next = places.lowerBound
        while next < places.upperBound {
            let end = min(places.upperBound, next + NodeLimits.logBatchCount)
            lines.clear()
            for index in next..<end { append(records[index], texts) }
            next = end
            guard lines.withBytes(body) else { return }
        }
    }

    /// An object that is made elsewhere, with the number and the times that every line of JSON begins with.
    mutating func stamped(json: String, node: PeerIndex, elapsedNanoseconds: UInt64) -> String {
        if node != self.node || heads.isEmpty { makeHeads(for: node) }
        sequence += 1
        var stamp = LineBuffer()
        var line = LinePointer(stamp.room(EventWriter.longestByteCount))
        appendStart(elapsedNanoseconds, &line)
        stamp.take(upTo: line.end)
        let start = stamp.withBytes { String(decoding: $0, as: UTF8.self) }
        return start + ",\"node\":\"\(nodeName)\"," + json.dropFirst()
    }

    @inline(__always)
    private func appendStart(_ elapsedNanoseconds: UInt64, _ line: inout LinePointer) {
        line.text("{\"sequence\":")
        line.integer(sequence)
        line.text(",\"time\":")
        line.seconds(startWallNanoseconds + elapsedNanoseconds)
        line.text(",\"elapsed\":")
        line.seconds(elapsedNanoseconds)
    }

    private mutating func append(_ record: EventRecord, _ texts: [[UInt8]]) {
        if record.node != node || heads.isEmpty { makeHeads(for: record.node) }
        let text = record.kind == .notice ? texts[Int(record.first)] : []
        sequence += 1
        var line = LinePointer(lines.room(EventWriter.longestByteCount + text.count))
        if isJSON {
            append(in: JSONWords.self, record, text, &line)
        } else {
            append(in: TextWords.self, record, text, &line)
        }
        lines.take(upTo: line.end)
    }

    /// More than any line takes, the text of a notice left out.
    private static let longestByteCount = 512

    @inline(__always)
    private func append<Words: LineWords>(
        in words: Words.Type, _ record: EventRecord, _ text: [UInt8], _ line: inout LinePointer
    ) {
        if words.isJSON {
            appendStart(record.elapsedNanoseconds, &line)
        } else {
            line.seconds(record.elapsedNanoseconds)
        }
        line.bytes(heads[record.kind.rawValue])
        if record.kind == .notice {
            line.bytes(text)
            return line.text(words.end)
        }
        line.integer(UInt64(record.first))
        switch record.kind {
        case .chunkReceived, .chunkSent, .chunkDiscarded, .chunkRefused:
            line.text(words.bytes)
            line.integer(UInt64(record.second))
            if record.tookNanoseconds != EventRecord.unknownNanoseconds {
                line.text(words.seconds)
                line.seconds(record.tookNanoseconds)
            }
        case .listReceived, .listSent: line.text(record.second == 1 ? words.addition : words.whole)
        case .chunksRequested, .requestReceived:
            line.text(words.count)
            line.integer(UInt64(record.second))
        case .creditsRequested, .creditsReceived, .notice: break
        }
        switch record.party {
        case .owner: line.text(words.withOwner)
        case .unknown: line.text(words.withUnknown)
        case .peer(let number):
            line.text(words.withPeer)
            line.integer(UInt64(number))
            if words.isJSON {
                line.text("\",\"peer\":")
                line.integer(UInt64(number))
            }
        }
        line.text(words.end)
    }

    private var nodeName: String { node == PeerIndex.max ? "\(role)" : "\(role) \(node)" }

    private mutating func makeHeads(for node: PeerIndex) {
        self.node = node
        let name = nodeName
        heads = EventRecord.Kind.allCases.map { kind in
            let (event, first) = kind.words
            if isJSON { return Array(",\"node\":\"\(name)\",\"event\":\"\(event)\",\"\(first)\":".utf8) }
            return Array(kind == .notice ? " \(name): notice: ".utf8 : " \(name): \(event) \(first)=".utf8)
        }
    }
}

/// What stands between the numbers of a line. Types and not values, so that the words are constants where they are
/// written.
private protocol LineWords {
    static var isJSON: Bool { get }
    static var bytes: StaticString { get }
    static var seconds: StaticString { get }
    static var addition: StaticString { get }
    static var whole: StaticString { get }
    static var count: StaticString { get }
    static var withOwner: StaticString { get }
    static var withUnknown: StaticString { get }
    static var withPeer: StaticString { get }
    static var end: StaticString { get }
}

private enum JSONWords: LineWords {
    static var isJSON: Bool { true }
    static var bytes: StaticString { ",\"bytes\":" }
    static var seconds: StaticString { ",\"seconds\":" }
    static var addition: StaticString { ",\"form\":\"addition\"" }
    static var whole: StaticString { ",\"form\":\"whole\"" }
    static var count: StaticString { ",\"count\":" }
    static var withOwner: StaticString { ",\"with\":\"owner\"" }
    static var withUnknown: StaticString { ",\"with\":\"unknown\"" }
    static var withPeer: StaticString { ",\"with\":\"peer " }
    static var end: StaticString { "}\n" }
}

private enum TextWords: LineWords {
    static var isJSON: Bool { false }
    static var bytes: StaticString { " bytes=" }
    static var seconds: StaticString { " seconds=" }
    static var addition: StaticString { " form=addition" }
    static var whole: StaticString { " form=whole" }
    static var count: StaticString { " count=" }
    static var withOwner: StaticString { " with=owner" }
    static var withUnknown: StaticString { " with=unknown" }
    static var withPeer: StaticString { " with=peer " }
    static var end: StaticString { "\n" }
}
