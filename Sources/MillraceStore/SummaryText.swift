import MillraceWire

/// What a summary file says.
public struct SummaryContents: Sendable, Equatable {
    public var name: String
    public var layout: ChunkLayout
    /// Nil while it is unknown.
    public var contentID: Digest?
    public var chunks: ChunkSet
    /// When the owner's file had been changed last as this summary was begun; nil in a peer's.
    public var sourceTime: ModificationTime?
}

/// The text of summary files: a first line, the header, then chunk IDs as ranges. Every line but the first ends with
/// ` #` and the CRC-32 of what is before it, so that a torn line is known as one.
enum SummaryText {
    static let firstLine = "millrace summary 1"
    private static let runsPerLine = 64

    static func header(
        name: String, layout: ChunkLayout, contentID: Digest?, sourceTime: ModificationTime? = nil
    ) -> String {
        var fields = [
            "name: \(EscapedName.escape(name))", "size: \(layout.fileByteCount)",
            "chunk-size: \(layout.chunkByteCount)", "content: \(contentID?.hex ?? "unknown")",
        ]
        if let sourceTime { fields.append("source-time: \(sourceTime)") }
        return fields.reduce(firstLine + "\n") { $0 + sealed($1) }
    }

    static func lines(_ runs: [Range<ChunkID>]) -> String {
        var text = ""
        var rest = runs[...]
        while !rest.isEmpty {
            let words = rest.prefix(runsPerLine).map {
                $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound - 1)"
            }
            text += sealed("chunks: " + words.joined(separator: " "))
            rest = rest.dropFirst(runsPerLine)
        }
        return text
    }

    /// Reads what can be read: bad lines are passed over, a bad header means nil.
    static func contents(of bytes: [UInt8]) -> SummaryContents? {
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        guard lines.first.map({ $0.elementsEqual(firstLine.utf8) }) == true else { return nil }
        let fields = lines.dropFirst().compactMap { unsealed($0) }
        guard let name = value(of: "name", in: fields).flatMap({ EscapedName.unescape($0) }),
            let size = value(of: "size", in: fields).flatMap({ UInt64($0) }),
            let chunkSize = value(of: "chunk-size", in: fields).flatMap({ UInt32($0) }),
            let content = value(of: "content", in: fields),
            let layout = try? ChunkLayout(fileByteCount: size, chunkByteCount: chunkSize)
        else { return nil }
        var chunks = ChunkSet(chunkCount: layout.chunkCount)
        for field in fields where field.hasPrefix("chunks: ") {
            for word in field.dropFirst("chunks: ".count).split(separator: " ") {
                if let run = run(word, below: layout.chunkCount) { chunks.insert(run) }
            }
        }
        return SummaryContents(
            name: name, layout: layout, contentID: Digest(hex: String(content)), chunks: chunks,
            sourceTime: value(of: "source-time", in: fields).flatMap { ModificationTime($0) })
    }

    private static func value(of field: String, in lines: [String]) -> Substring? {
        // Bytes, not characters: a combining mark behind the blank makes one character with it.
        lines.first { $0.utf8.starts(with: (field + ": ").utf8) }
            .map { Substring($0.utf8.dropFirst(field.utf8.count + 2)) }
    }

    private static func run(_ word: Substring, below chunkCount: UInt32) -> Range<ChunkID>? {
        let ends = word.split(separator: "-", omittingEmptySubsequences: false).map { UInt32($0) }
        guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first <= last,
            last < chunkCount
        else { return nil }
        return first..<(last + 1)
    }

    private static func sealed(_ line: String) -> String {
        let digits = String(CRC32.of(line.utf8), radix: 16)
        return line + " #" + String(repeating: "0", count: 8 - digits.count) + digits + "\n"
    }

    private static func unsealed(_ line: ArraySlice<UInt8>) -> String? {
        guard line.count > 10, line.suffix(10).starts(with: " #".utf8),
            let seal = UInt32(String(decoding: line.suffix(8), as: UTF8.self), radix: 16),
            CRC32.of(line.dropLast(10)) == seal
        else { return nil }
        return String(validating: line.dropLast(10), as: UTF8.self)
    }
}

/// CRC-32 as in gzip (RFC 1952, section 8): tells torn lines, guards against no one.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 0 ? value >> 1 : 0xEDB8_8320 ^ value >> 1 }
    }

    static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { table[Int(truncatingIfNeeded: ($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8 }
    }
}
