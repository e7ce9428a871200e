import Foundation

/// A program of the system's that a test runs to its end.
enum Tool {
    static func isInstalled(_ name: String) -> Bool {
        let folders = ["/usr/bin", "/usr/local/bin", "/bin"]
        return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }

    /// Runs it, found by the PATH, in a folder, and returns its exit code and what it said on both outputs.
    ///
    /// - Parameters:
    ///   - environment: what is set besides the environment of the tests.
    ///   - keepsErrors: false leaves out what it says on stderr.
    @discardableResult
    static func run(
        _ words: [String], in folder: String? = nil, environment: [String: String] = [:], keepsErrors: Bool = true
    ) throws -> (code: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = keepsErrors ? pipe : FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }
}
