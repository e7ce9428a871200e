import Foundation
import Testing

/// What a node does where io_uring is not to be had: a tracer refuses the call as containers and old kernels do.
@Suite(.timeLimit(.minutes(5)), .enabled(if: Tracer.works, "strace is missing, or may trace nothing here"))
struct ProbeTests {
    static let refusals = [("EPERM", "Operation not permitted"), ("ENOSYS", "Function not implemented")]

    @Test(arguments: refusals) func withoutARingTheNextBestIsTakenAndTheReasonSaid(_ refusal: (String, String)) throws {
        let (code, words) = refusal
        for choice in ["auto", "uring"] {
            let ground = try Ground()
            let data = try ground.file("data.bin", byteCount: 300_000)
            let ports = try FreePort.take(2)
            let owner = try ground.start(
                "owner", "owner \(ports[0]) data.bin --peers 1 --io \(choice)", under: Tracer.refusing(code))
            let peer = try ground.start(
                "peer", "peer \(ports[0]) \(ports[1]) --io \(choice)", under: Tracer.refusing(code))
            #expect(try peer.wait() == 0)
            #expect(try owner.wait() == 0)
            #expect(ground.data("peer-\(ports[1])/data.bin") == data)
            for child in [owner, peer] {
                let line = child.errors.split(separator: "\n").first { $0.contains("sending by") } ?? ""
                #expect(line.contains("sending by sendfile"), "\(choice): \(child.errors)")
                #expect(line.contains("io_uring") && line.contains(words), "\(choice): \(line)")
                let report = child.output.split(separator: "\n").first { $0.hasPrefix("report:") } ?? ""
                #expect(report.contains("sendfile"), "\(choice): \(report)")
            }
        }
    }

    @Test(arguments: refusals) func theVersionNamesTheChoiceAndTheReason(_ refusal: (String, String)) throws {
        let ground = try Ground()
        let child = try ground.start("child", "--version", under: Tracer.refusing(refusal.0))
        #expect(try child.wait() == 0)
        #expect(child.output.contains("sends by sendfile"))
        #expect(child.output.contains(refusal.1))
    }

    /// Files are opened by the ring only where several wait: with 300 chunks some do, however the threads take turns.
    @Test func aRingThatIsThereIsUsedWhenAskedFor() throws {
        let ground = try Ground()
        let data = try ground.file("data.bin", byteCount: 3_000_000)
        let ports = try FreePort.take(2)
        let owner = try ground.start(
            "owner", "owner \(ports[0]) data.bin --peers 1 --io uring --chunk-size 10KB",
            under: Tracer.counting(in: "\(ground.path)/calls"))
        let peer = try ground.start("peer", "peer \(ports[0]) \(ports[1])")
        #expect(try peer.wait() == 0)
        #expect(try owner.wait() == 0)
        #expect(ground.data("peer-\(ports[1])/data.bin") == data)
        guard owner.errors.contains("sending by uring") else {
            // No ring on this machine: then the reason must be there.
            #expect(owner.errors.contains("io_uring was asked for and can't be used"))
            return
        }
        let calls = String(decoding: ground.data("calls") ?? Data(), as: UTF8.self)
        #expect(calls.contains("io_uring_setup("))
        #expect(calls.contains("io_uring_enter("))
    }
}

/// strace(1) in front of a command.
enum Tracer {
    static let path = "/usr/bin/strace"

    /// Whether it is installed and may trace: some sandboxes forbid ptrace(2).
    static let works = (try? Tool.run([path, "-qq", "-o", "/dev/null", "true"]))?.code == 0

    /// Lets io_uring_setup(2) fail with this error.
    static func refusing(_ error: String) -> [String] {
        let injection = "inject=io_uring_setup:error=\(error)"
        return [path, "-f", "-qq", "-o", "/dev/null", "-e", "trace=io_uring_setup", "-e", injection]
    }

    /// Writes calls into a file, with the paths of descriptors, and lets some fail: `NAME:error=CODE:when=NUMBER`.
    static func calls(_ names: String, _ injections: [String], in file: String) -> [String] {
        [path, "-f", "-y", "-qq", "-s", "200", "-o", file, "-e", "trace=" + names]
            + injections.flatMap { ["-e", "inject=" + $0] }
    }

    /// Writes the calls to rings into a file.
    static func counting(in file: String) -> [String] {
        [path, "-f", "-qq", "-o", file, "-e", "trace=io_uring_setup,io_uring_enter"]
    }
}
