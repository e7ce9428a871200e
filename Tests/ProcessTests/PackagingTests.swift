import Foundation
import Testing

/// Manuals, completions and the dissector say the same as the program and the protocol.
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
