import Foundation
import Testing

/// Files that scripts make, and files that must not be in the repository.
@Suite(.timeLimit(.minutes(5))) struct GeneratedFileTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").path

    @Test(.enabled(if: Tool.isInstalled("git"), "git is not installed"))
    func resolvedDependenciesAndBuildsAreNotTracked() throws {
        let listed = try Tool.run(["git", "ls-files"], in: Self.root)
        guard listed.code == 0 else { return }  // a copy without its history
        for path in listed.output.split(separator: "\n") {
            #expect(!path.hasSuffix("Package.resolved"), "\(path) is tracked")
            #expect(!path.split(separator: "/").contains { $0.hasPrefix(".build") }, "\(path) is tracked")
        }
    }

    @Test(.enabled(if: Tool.isInstalled("python3"), "python3 is not installed"))
    func vectorsAndTablesAreWhatTheirScriptMakes() throws {
        let checked = try Tool.run(["python3", "Scripts/make-vectors.py", "--check"], in: Self.root)
        #expect(checked.code == 0, "\(checked.output)")
    }
}
