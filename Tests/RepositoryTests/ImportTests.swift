import Testing

/// "Wire says it, Swarm decides it, IO does it, Store keeps it, Node runs it, Sim proves it": what each target may
/// import, system modules among it. The compiler checks the targets only; this is the whole rule.
struct ImportTests {
    static let allowed: [String: Set<String>] = [
        "MillraceWire": [],
        "MillraceSwarm": ["MillraceWire"],
        "MillraceIO": ["CLiburing", "CLibcrypto", "CSHA256", "Glibc", "Synchronization"],
        "MillraceStore": ["MillraceWire", "MillraceIO", "Synchronization"],
        "MillraceNode": ["MillraceWire", "MillraceSwarm", "MillraceIO", "MillraceStore", "Synchronization"],
        "MillraceHTTP": ["MillraceWire", "MillraceIO", "MillraceNode", "Synchronization"],
        "MillraceSim": ["MillraceWire", "MillraceSwarm"],
        "millrace": ["MillraceHTTP", "MillraceNode", "MillraceSim", "ArgumentParser"],
    ]

    /// The module that a line imports, whatever attributes, access level and kind of symbol stand before it.
    static func imported(by line: String) -> Substring? {
        let pattern = #/
            ^\s* (?:@\w+ (?:\([^)]*\))? \s+)*
            (?:(?:public|package|internal|fileprivate|private)\s+)?
            import\s+ (?:(?:struct|class|enum|protocol|func|var|let|typealias|actor|macro)\s+)? (\w+)
            /#
        return line.firstMatch(of: pattern)?.1
    }

    @Test func everyFormOfImportIsSeen() {
        let forms = [
            "import Glibc", "  import Glibc", "public import Glibc", "@preconcurrency import Glibc",
            "@_spi(Testing) internal import Glibc", "import func Glibc.open", "@testable import Glibc // why",
            "import Glibc.stdio",
        ]
        for form in forms { #expect(Self.imported(by: form) == "Glibc", "\(form)") }
        for other in ["// import Glibc", "let important = 1", "/// imports Glibc"] {
            #expect(Self.imported(by: other) == nil, "\(other)")
        }
    }

    @Test(arguments: Repository.sources) func aFileImportsOnlyWhatItsTargetMay(file: Repository.SourceFile) {
        guard let allowed = Self.allowed[file.target] else {
            Issue.record("\(file.path): target \(file.target) has no rule")
            return
        }
        for (number, line) in file.lines.enumerated() where line.contains("import") {
            guard let module = Self.imported(by: line) else { continue }
            #expect(
                allowed.contains(String(module)),
                "\(file.path):\(number + 1) imports \(module), which \(file.target) may not")
        }
    }

    @Test func noSourceNamesFoundation() {
        for file in Repository.sources {
            for line in file.lines where line.contains("Foundation") {
                guard line.code.contains(/\bFoundation(?:Essentials|Networking)?\b/) else { continue }
                Issue.record("\(file.path) names Foundation")
            }
        }
    }

    @Test func everyTargetWithARuleIsDeclared() {
        #expect(Set(Self.allowed.keys).isSubset(of: Repository.declaredTargets))
    }
}
