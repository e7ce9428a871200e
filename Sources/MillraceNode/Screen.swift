import MillraceIO

/// What a node writes to and draws on: events, notices, and a few lines of progress that stay below them. Where all go
/// to one terminal the progress is taken away before anything is written and drawn again after it, in one write.
final class Screen: Sendable {
    private struct Block {
        var lines: [StyledLine] = []
        var isDrawn: Bool { !lines.isEmpty }
    }

    private let block = Lock(Block())
    private let descriptor: CInt

    /// - Parameter descriptor: where progress is drawn.
    init(descriptor: CInt) {
        self.descriptor = descriptor
    }

    /// Writes whole lines. False when nobody reads any more.
    func write(_ bytes: UnsafeRawBufferPointer, to target: CInt) -> Bool {
        block.withLock { block in
            guard block.isDrawn, Terminal.isShared(target, descriptor) else {
                return bytes.isEmpty || (try? Console.write(bytes, to: target)) != nil
            }
            return Screen.put(Array(erasing(block).utf8) + bytes + Array(Screen.text(block.lines).utf8), to: target)
        }
    }

    /// Draws these lines in place of those there are.
    func show(_ lines: [StyledLine]) {
        block.withLock { block in
            guard lines != block.lines else { return }
            _ = Screen.put(Array((erasing(block) + Screen.text(lines)).utf8), to: descriptor)
            block.lines = lines
        }
    }

    /// Ends the drawing: the lines stay as they are, or go.
    func finish(keeping: Bool) {
        block.withLock { block in
            guard block.isDrawn else { return }
            _ = Screen.put(Array((keeping ? "\n" : erasing(block)).utf8), to: descriptor)
            block.lines = []
        }
    }

    private func erasing(_ block: Block) -> String {
        Screen.erasing(block.lines, columns: Terminal.size(of: descriptor)?.columns ?? 80)
    }

    /// From the end of the last line to the start of the first, and all below is cleared. A terminal that has become
    /// narrower has wrapped the lines: they take more rows now.
    static func erasing(_ lines: [StyledLine], columns: Int) -> String {
        guard !lines.isEmpty else { return "" }
        let rows = lines.reduce(0) { $0 + max(1, ($1.columns + columns - 1) / max(1, columns)) }
        return "\r" + (rows > 1 ? "\u{1B}[\(rows - 1)A" : "") + "\u{1B}[J"
    }

    static func text(_ lines: [StyledLine]) -> String { lines.map(\.text).joined(separator: "\n") }

    private static func put(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        guard !bytes.isEmpty else { return true }
        return (try? bytes.withUnsafeBytes { try Console.write($0, to: descriptor) }) != nil
    }
}
