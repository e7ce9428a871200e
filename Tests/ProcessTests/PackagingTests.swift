import Foundation
import Testing

/// Manuals, completions and the dissector say the same as the program and the protocol.
@Suite(.timeLimit(.minutes(5))) struct PackagingTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func isInstalled(_ program: String) -> Bool {
        ["/usr/bin", "/usr/local/bin", "/bin"].contains { FileManager.default.fileExists(atPath: "\($0)/\(program)") }
    }

    /// Runs a script of the repository to its end.
    private func run(_ script: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = PackagingTests.root.appendingPathComponent(script)
        process.arguments = arguments
        process.currentDirectoryURL = PackagingTests.root
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }

    @Test(.enabled(if: isInstalled("python3"))) func manualsHaveEveryOptionAndEveryExitCode() throws {
        let checked = try run("Scripts/make-manuals.py", [Child.executable().path, "--check"])
        #expect(checked.status == 0, "\(checked.output)")
    }

    @Test(.enabled(if: isInstalled("python3"))) func completionsWorkInTheShellsThatAreHere() throws {
        let tried = try run("Scripts/test-completions.py", [Child.executable().path])
        #expect(tried.status == 0, "\(tried.output)")
    }

    @Test(.enabled(if: isInstalled("python3") && isInstalled("tshark"))) func dissectorFollowsTheVectors() throws {
        let checked = try run("Scripts/test-dissector.sh", ["--vectors"])
        #expect(checked.status == 0, "\(checked.output)")
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
