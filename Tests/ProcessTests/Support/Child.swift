import Dispatch
import Foundation
import Testing

struct TookTooLong: Error {}

/// A process of the `millrace` command, its output in a file. It does not outlive the last reference to it.
final class Child: Sendable {
    private let process: Process
    private let ended = DispatchSemaphore(value: 0)
    let outputPath: String
    let errorPath: String

    /// Runs the command in a folder; by a program that runs others, such as a tracer, if one is named.
    init(
        _ arguments: [String], in folder: String, name: String, under tracer: [String] = [],
        environment: [String: String] = [:]
    ) throws {
        process = Process()
        let executable = try Child.executable()
        process.executableURL = tracer.first.map { URL(fileURLWithPath: $0) } ?? executable
        process.arguments = tracer.isEmpty ? arguments : tracer.dropFirst() + [executable.path] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        outputPath = "\(folder)/\(name).out"
        errorPath = "\(folder)/\(name).err"
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Child.file(outputPath)
        process.standardError = try Child.file(errorPath)
        let ended = ended
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    var number: pid_t { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var output: String { Child.text(outputPath) }
    var errors: String { Child.text(errorPath) }

    func signal(_ signal: CInt) { kill(number, signal) }

    /// The exit code, or 128 and the signal's number; kills what does not end in time.
    @discardableResult
    func wait(withinSeconds seconds: Double = 60) throws -> Int32 {
        guard ended.wait(timeout: .now() + seconds) == .success else {
            signal(SIGKILL)
            Issue.record("still running after \(seconds) s; said:\n\(output.suffix(2000))\n\(errors.suffix(2000))")
            throw TookTooLong()
        }
        ended.signal()
        return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    }

    /// The process's CPU time so far in clock ticks (proc(5), fields 14 and 15 of stat).
    func cpuTicks() throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8)
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        return try #require(Int(fields[12])) + #require(Int(fields[13]))
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    private static func file(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(fileURLWithPath: path))
        return try #require(FileHandle(forWritingAtPath: path))
    }

    static func executablePath() throws -> String { try executable().path }

    /// The command beside the test bundle, wherever that was built.
    static func executable() throws -> URL {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let folders =
            CommandLine.arguments.filter { $0.contains(".xctest") }
            .map { URL(fileURLWithPath: String($0.prefix(while: { $0 != "=" }))).deletingLastPathComponent() }
            + [Bundle.main.bundleURL, package.appendingPathComponent(".build/debug")]
        let found = folders.map { $0.appendingPathComponent("millrace") }.first {
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: $0.path, isDirectory: &isFolder) && !isFolder.boolValue
        }
        return try #require(found, "no millrace in \(folders.map(\.path))")
    }
}
