@testable import MillraceWire

/// Any stream, whole and one byte at a time: the reader must say the same of both and leave no byte behind.
enum FrameReaderHarness {
    static func run(_ bytes: [UInt8]) -> Bool {
        hold(read(bytes, step: max(1, bytes.count)) == read(bytes, step: 1))
        return true
    }

    /// The events of a stream that comes `step` bytes at a time; chunks show as their headers.
    private static func read(_ bytes: [UInt8], step: Int) -> [FrameReader.Event] {
        var reader = FrameReader()
        var events: [FrameReader.Event] = []
        var chunkByteCount = 0
        for start in stride(from: 0, to: bytes.count, by: step) {
            let piece = bytes.span.bytes.extracting(start..<min(bytes.count, start + step))
            var consumed = 0
            repeat {
                let taken = min(chunkByteCount, piece.byteCount - consumed)
                consumed += taken
                chunkByteCount -= taken
                guard chunkByteCount == 0 else { break }
                guard let event = try? reader.next(piece, consumed: &consumed) else { return events }
                if case .needMore = event { break }
                if case .chunkFollows(let header) = event { chunkByteCount = header.payloadByteCount }
                events.append(event)
            } while true
            hold(consumed == piece.byteCount || chunkByteCount > 0)
        }
        return events
    }
}
