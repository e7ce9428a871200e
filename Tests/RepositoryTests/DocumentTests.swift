import Foundation
import Testing

struct DocumentTests {
    /// Targets of the links in Markdown text, code blocks left out.
    static func links(_ text: String) -> [String] {
        let bare = text.replacing(/(?ms)^```.*?^```/, with: "").replacing(/`[^`\n]*`/, with: "")
        return bare.matches(of: /\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/).map { String($0.1) }
    }

    /// The anchors that a web view of the text offers: its headings in lower case, blanks as hyphens.
    static func anchors(_ text: String) -> Set<String> {
        Set(text.matches(of: /(?m)^#+ +(.+?) *$/).map { heading in
            let words = heading.1.lowercased().replacing(" ", with: "-")
            return String(words.filter { $0.isLetter || $0.isNumber || "-_".contains($0) })
        })
    }

    @Test func linksAndAnchorsAreSeen() {
        #expect(Self.links("[a](b.md) `[c](d)` ![e](<f.png>) [g](h \"i\")") == ["b.md", "f.png", "h"])
        #expect(Self.anchors("# One, two\n## `Three` 4") == ["one-two", "three-4"])
    }

    @Test(arguments: Repository.paths(under: "", ["md"])) func everyRelativeLinkResolves(path: String) {
        let text = Repository.text(path)
        for link in Self.links(text) where !link.contains("://") && !link.hasPrefix("mailto:") {
            let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let file = Repository.root.appending(path: path).deletingLastPathComponent().appending(path: parts[0])
            if !parts[0].isEmpty, !FileManager.default.fileExists(atPath: file.path) {
                Issue.record("\(path) links to \(link), which is not there")
            }
            guard parts.count == 2, parts[0].isEmpty || parts[0].hasSuffix(".md") else { continue }
            let target = parts[0].isEmpty ? text : (try? String(contentsOf: file, encoding: .utf8)) ?? ""
            #expect(Self.anchors(target).contains(parts[1]), "\(path) links to \(link), a heading that is not there")
        }
    }
}
