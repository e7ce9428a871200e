import Foundation
import Testing

/// How a process sends where the kernel has io_uring, and where it forbids it.
@Suite(.timeLimit(.minutes(5))) struct TransportChoiceTests {
    /// Containers often forbid io_uring: the answer is made by strace(1), which Scripts/test.sh installs.
    private func run(_ words: String, ringError: String, in ground: Ground, name: String) throws -> Child {
        let wrapper = [
            "/usr/bin/strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=io_uring_setup", "-e",
            "inject=io_uring_setup:error=\(ringError)",
        ]
        return try Child(words.split(separator: " ").map(String.init), in: ground.path, name: name, wrapper: wrapper)
    }

    @Test(arguments: [("EPERM", "Operation not permitted"), ("ENOSYS", "Function not implemented")])
    func theVersionSaysWhyThereIsNoRing(code: String, text: String) throws {
        let ground = try Ground()
        let child = try run("--version", ringError: code, in: ground, name: "version")
        #expect(try child.wait(withinSeconds: 20) == 0)
        #expect(child.output.contains("sendfile (io_uring can't be used: io_uring_setup"), "\(child.output)")
        #expect(child.output.contains(text))
    }

    @Test(arguments: ["auto", "uring"]) func aSwarmWithoutRingsFinishesAndSaysWhy(io: String) throws {
        let ground = try Ground()
        let data = try ground.file("data.bin", byteCount: 700_000)
        let ports = try FreePort.take(2)
        let words = "--io \(io) --timeout 20"
        let owner = try run(
            "owner \(ports[0]) data.bin --peers 1 --dir owner \(words)", ringError: "EPERM", in: ground, name: "owner")
        let peer = try run(
            "peer \(ports[0]) \(ports[1]) --dir peer \(words)", ringError: "EPERM", in: ground, name: "peer")
        #expect(try owner.wait(withinSeconds: 60) == 0 && peer.wait(withinSeconds: 60) == 0)
        #expect(ground.data("peer/data.bin") == data)
        for child in [owner, peer] { #expect((child.output + child.errors).contains("can't be used: io_uring_setup")) }
    }
}
