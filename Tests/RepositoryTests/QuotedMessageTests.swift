import Foundation
import Testing

/// What the documents quote of the program is what the program says.
struct QuotedMessageTests {
    /// Stands for what is put into a text, in the program and in a quotation of it.
    private static let gap: Character = "…"

    /// The texts of a Swift source: its string literals, those that `+` joins as one, interpolations as gaps.
    static func texts(_ source: String) -> [String] {
        var (texts, rest, joins) = ([String](), source[...], false)
        while let start = rest.firstIndex(of: "\"") {
            let between = rest[..<start]
            joins = !texts.isEmpty && !between.isEmpty && between.allSatisfy { $0.isWhitespace || $0 == "+" }
            rest = rest[start...].dropFirst()
            let text = literal(&rest)
            if joins { texts[texts.count - 1] += text } else { texts.append(text) }
        }
        return texts
    }

    /// The literal whose first quotation mark has been taken, with its last one.
    private static func literal(_ rest: inout Substring) -> String {
        var text = ""
        while let character = rest.popFirst(), character != "\"" {
            guard character == "\\", let next = rest.popFirst() else {
                text.append(character)
                continue
            }
            guard next == "(" else {
                text.append(next)
                continue
            }
            text.append(gap)
            skipInterpolation(&rest)
        }
        return text
    }

    private static func skipInterpolation(_ rest: inout Substring) {
        var depth = 1
        while depth > 0, let character = rest.popFirst() {
            switch character {
            case "(": depth += 1
            case ")": depth -= 1
            case "\"": _ = literal(&rest)
            default: break
            }
        }
    }

    /// What of a document's code spans is a message: those with something left out, and whole sentences.
    static func quotations(_ document: String) -> [String] {
        let bare = document.replacing(/(?ms)^```.*?^```/, with: "")
        let spans = bare.matches(of: /`([^`\n]+)`/).map { String($0.1) }
        return spans.filter { $0.contains("...") || $0.contains(/[a-z]\s[a-z]+.*[;:]/) }
            .filter { !$0.contains("[") && !$0.contains(/^(?:millrace|Scripts|nc|ss|sudo)\s/) }
    }

    /// The parts between what a quotation leaves open, in pieces that the program may put together.
    static func parts(_ quotation: String) -> [String] {
        let open = quotation.replacing(/\.\.\.|\bHOST:PORT\b|\bHOST\b|\bPORT\b|\bNUMBER\b/, with: String(gap))
        return open.split { "\(gap)();".contains($0) }.map { String($0).trimmingCharacters(in: .whitespaces) }
            .filter { $0.contains(/[a-z]{3}/) }
    }

    @Test func literalsAreReadAndJoined() {
        let source = #"a("one \(b("x") + (c)) two" + "\n three", "\"four\"") // five"#
        #expect(Self.texts(source) == ["one … twon three", "\"four\""])
        let document = "`a b: ...` `--help` `no way (...); do`\n```\n`x ...`\n```"
        #expect(Self.quotations(document) == ["a b: ...", "no way (...); do"])
        #expect(Self.parts("no way to HOST:PORT (...); do this") == ["no way to", "do this"])
    }

    @Test func everyQuotationIsWhatTheProgramSays() {
        let said = Repository.sources.filter { $0.target != "MillraceSim" }.flatMap { file in
            let code = file.lines.filter { !$0.trimmingCharacters(in: .whitespaces).hasPrefix("//") }
            return Self.texts(code.joined(separator: "\n"))
        }
        var count = 0
        for path in ["Documentation/troubleshooting.md", "Documentation/exit-codes.md", "Documentation/guide.md"] {
            for quotation in Self.quotations(Repository.text(path)) {
                for part in Self.parts(quotation) {
                    count += 1
                    #expect(said.contains { $0.contains(part) }, "\(path) quotes \(quotation)")
                }
            }
        }
        #expect(count > 30)
    }
}
