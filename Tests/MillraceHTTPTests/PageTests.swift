import Foundation
import MillraceIO
import Testing

@testable import MillraceHTTP

struct PageTests {
    private let text = String(
        decoding: Page().response.body.flatMap { part -> [UInt8] in
            if case .bytes(let bytes) = part { bytes } else { [] }
        }, as: UTF8.self)

    private func element(_ name: String) throws -> String {
        let start = try #require(text.firstRange(of: "<\(name)"))
        let open = try #require(text[start.upperBound...].firstIndex(of: ">"))
        let end = try #require(text[open...].firstRange(of: "</\(name)>"))
        return String(text[text.index(after: open)..<end.lowerBound])
    }

    /// The browser compares these digests with what is between the tags.
    @Test(arguments: [("style", "style-src"), ("script", "script-src")])
    func thePolicyLetsInWhatIsThere(name: String, directive: String) throws {
        let content = try element(name)
        #expect(content.count > 1000)
        var hasher = SHA256Hasher()
        Array(content.utf8).withUnsafeBytes { hasher.update($0) }
        let digest: [UInt8] = hasher.finish()
        let policy = try #require(Page().response.header("Content-Security-Policy"))
        #expect(policy.contains("\(directive) 'sha256-\(Data(digest).base64EncodedString())'"))
    }

    /// What the policy would stop, or what would come from elsewhere.
    @Test func allIsInOneAnswer() throws {
        #expect(text.matches(of: #/<script/#).count == 1 && text.matches(of: #/<style/#).count == 1)
        for forbidden in [" style=", " onclick=", " onload=", "src=\"", "@import", "https://", "eval(", "innerHTML"] {
            #expect(!text.contains(forbidden), "\(forbidden)")
        }
        #expect(text.utf8.count < 64 * 1024)
    }

    @Test func thePageIsNamedAndLabelled() {
        #expect(text.contains("<html lang=\"en\">"))
        #expect(text.contains("name=\"viewport\""))
        for canvas in text.matches(of: #/<canvas[^>]*>/#) { #expect(canvas.0.contains("aria-label")) }
        for section in text.matches(of: #/<section[^>]*>/#) { #expect(section.0.contains("aria-labelledby")) }
    }

    /// WCAG 2.2, 1.4.3: text has a contrast of 4.5 at least, in both schemes.
    @Test func textCanBeRead() throws {
        let style = try element("style")
        let blocks = style.split(separator: "@media").prefix(2).map(String.init)
        try #require(blocks.count == 2)
        for block in blocks {
            func luminance(_ name: String) throws -> Double {
                let pattern = try Regex("--\(name): #([0-9a-f]{6})", as: (Substring, Substring).self)
                let found = try #require(block.firstMatch(of: pattern))
                let value = try #require(UInt32(found.output.1, radix: 16))
                func linear(_ shift: UInt32) -> Double {
                    let part = Double(value >> shift & 255) / 255
                    return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
                }
                return 0.2126 * linear(16) + 0.7152 * linear(8) + 0.0722 * linear(0)
            }
            func contrast(_ one: String, _ other: String) throws -> Double {
                let values = [try luminance(one), try luminance(other)].sorted()
                return (values[1] + 0.05) / (values[0] + 0.05)
            }
            for ink in ["ink", "quiet", "water", "slow", "done"] {
                for ground in ["ground", "card"] { #expect(try contrast(ink, ground) >= 4.5, "\(ink) on \(ground)") }
            }
            #expect(try contrast("slow", "slow-soft") >= 4.5)
            for drawn in ["water", "sent", "slow"] { #expect(try contrast(drawn, "card") >= 3, "\(drawn)") }
        }
    }
}
