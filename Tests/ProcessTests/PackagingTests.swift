import Foundation
import Testing

/// Manuals, completions and the dissector say the same as the program and the protocol; scripts at least begin.
@Suite(.timeLimit(.minutes(5))) struct PackagingTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Runs a script of the repository to its end.
    private func run(_ script: String, _ arguments: [String]) throws -> (code: Int32, output: String) {
        let root = PackagingTests.root.path
        return try Tool.run(["\(root)/\(script)"] + arguments, in: root)
    }

    @Test(.enabled(if: Tool.isInstalled("python3"))) func manualsHaveEveryOptionAndEveryExitCode() throws {
        let checked = try run("Scripts/make-manuals.py", [Child.executable().path, "--check"])
        #expect(checked.code == 0, "\(checked.output)")
    }

    @Test(.enabled(if: Tool.isInstalled("python3"))) func completionsWorkInTheShellsThatAreHere() throws {
        let tried = try run("Scripts/test-completions.py", [Child.executable().path])
        #expect(tried.code == 0, "\(tried.output)")
    }

    @Test(.enabled(if: Tool.isInstalled("python3") && Tool.isInstalled("tshark")))
    func dissectorFollowsTheVectors() throws {
        let checked = try run("Scripts/test-dissector.sh", ["--vectors"])
        #expect(checked.code == 0, "\(checked.output)")
    }

    /// What each imports is there, and is its own: no run of the suite measures anything.
    @Test(.enabled(if: Tool.isInstalled("python3")), arguments: benchmarks)
    func benchmarksSayHowTheyAreUsed(script: String) throws {
        let said = try run(script, ["--help"])
        #expect(said.code == 0 && said.output.hasPrefix("usage: "), "\(said.output)")
        if script == "Benchmarks/lan/run.py" { #expect(said.output.contains("owner-killed")) }
    }

    /// The Python files under Benchmarks that are commands.
    private static let benchmarks: [String] = {
        let paths = try? FileManager.default.subpathsOfDirectory(atPath: root.appending(path: "Benchmarks").path)
        return (paths ?? []).map { "Benchmarks/\($0)" }.sorted().filter { path in
            path.hasSuffix(".py") && !path.contains("/.build/")
                && FileManager.default.isExecutableFile(atPath: root.appending(path: path).path)
        }
    }()

    @Test(.enabled(if: Tool.isInstalled("python3"))) func benchmarksAreFound() {
        #expect(PackagingTests.benchmarks.contains("Benchmarks/lan/run.py"))
    }

    @Test func unitsTellTheirStateAndAreShutIn() throws {
        for role in ["owner", "peer"] {
            let path = PackagingTests.root.appendingPathComponent("Packaging/systemd/millrace-\(role)@.service")
            let unit = try String(contentsOf: path, encoding: .utf8)
            for line in ["Type=notify", "DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes"] {
                #expect(unit.contains("\n\(line)\n"), "\(role): \(line)")
            }
        }
    }
}
