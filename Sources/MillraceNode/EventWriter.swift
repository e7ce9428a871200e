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
        _ records: [EventRecord], _ texts: [[UInt8]], _ body: (UnsafeRawBufferPointer) -> Bool
    ) {
        var next = 0
        while next < records.count {
            let end = min(records.count, next + NodeLimits.logBatchCount)
            lines.clear()
            for index in next..<end { append(records[index], texts) }
            next = end
            guard lines.withBytes(body) else { return }
        }
    }

    private mutating func append(_ record: EventRecord, _ texts: [[UInt8]]) {
        if record.node != node || heads.isEmpty { makeHeads(for: record.node) }
        let text = record.kind == .notice ? texts[Int(record.first)] : []
        sequence += 1
        var line = LinePointer(lines.room(EventWriter.longestByteCount + text.count))
        if isJSON { appendJSON(record, text, &line) } else { appendText(record, text, &line) }
        lines.take(upTo: line.end)
    }

    /// More than any line takes, the text of a notice left out.
    private static let longestByteCount = 512

    @inline(__always)
    private func appendJSON(_ record: EventRecord, _ text: [UInt8], _ line: inout LinePointer) {
        line.text("{\"sequence\":")
        line.integer(sequence)
        line.text(",\"time\":")
        line.seconds(startWallNanoseconds + record.elapsedNanoseconds)
        line.text(",\"elapsed\":")
        line.seconds(record.elapsedNanoseconds)
        line.bytes(heads[record.kind.rawValue])
        if record.kind == .notice {
            line.bytes(text)
            return line.text("}\n")
        }
        line.integer(UInt64(record.first))
        switch record.kind {
        case .chunkReceived, .chunkSent, .chunkDiscarded, .chunkRefused:
            line.text(",\"bytes\":")
            line.integer(UInt64(record.second))
            if record.tookNanoseconds != EventRecord.unknownNanoseconds {
                line.text(",\"seconds\":")
                line.seconds(record.tookNanoseconds)
            }
        case .listReceived, .listSent:
            if record.second == 1 { line.text(",\"form\":\"addition\"") } else { line.text(",\"form\":\"whole\"") }
        case .chunksRequested, .requestReceived:
            line.text(",\"count\":")
            line.integer(UInt64(record.second))
        case .creditsRequested, .creditsReceived, .notice: break
        }
        switch record.party {
        case .owner: line.text(",\"with\":\"owner\"}\n")
        case .unknown: line.text(",\"with\":\"unknown\"}\n")
        case .peer(let number):
            line.text(",\"with\":\"peer ")
            line.integer(UInt64(number))
            line.text("\",\"peer\":")
            line.integer(UInt64(number))
            line.text("}\n")
        }
    }

    @inline(__always)
    private func appendText(_ record: EventRecord, _ text: [UInt8], _ line: inout LinePointer) {
        line.seconds(record.elapsedNanoseconds)
        line.bytes(heads[record.kind.rawValue])
        if record.kind == .notice {
            line.bytes(text)
            return line.text("\n")
        }
        line.integer(UInt64(record.first))
        switch record.kind {
        case .chunkReceived, .chunkSent, .chunkDiscarded, .chunkRefused:
            line.text(" bytes=")
            line.integer(UInt64(record.second))
            if record.tookNanoseconds != EventRecord.unknownNanoseconds {
                line.text(" seconds=")
                line.seconds(record.tookNanoseconds)
            }
        case .listReceived, .listSent:
            if record.second == 1 { line.text(" form=addition") } else { line.text(" form=whole") }
        case .chunksRequested, .requestReceived:
            line.text(" count=")
            line.integer(UInt64(record.second))
        case .creditsRequested, .creditsReceived, .notice: break
        }
        switch record.party {
        case .owner: line.text(" with=owner\n")
        case .unknown: line.text(" with=unknown\n")
        case .peer(let number):
            line.text(" with=peer ")
            line.integer(UInt64(number))
            line.text("\n")
        }
    }

    private mutating func makeHeads(for node: PeerIndex) {
        self.node = node
        let name = node == PeerIndex.max ? "\(role)" : "\(role) \(node)"
        heads = EventRecord.Kind.allCases.map { kind in
            let (event, first) = kind.words
            if isJSON { return Array(",\"node\":\"\(name)\",\"event\":\"\(event)\",\"\(first)\":".utf8) }
            return Array(kind == .notice ? " \(name): notice: ".utf8 : " \(name): \(event) \(first)=".utf8)
        }
    }
}
