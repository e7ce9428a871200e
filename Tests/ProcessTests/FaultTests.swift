import Foundation
import Testing

/// System calls that fail in one node of a small swarm: a right file, or a reason with its exit code and a state from
/// which the same command goes on. A sample; `Scripts/faults.sh` does every call of every kind.
@Suite(.timeLimit(.minutes(5))) struct FaultTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        let kind: String
        let numbers: [Int]
        let codes: Set<Int32>
        let transport: String
        let store: String

        var testDescription: String { "\(kind) at calls \(numbers), \(transport), \(store)" }
    }

    private static let faults = [
        Fault(kind: "EIO", numbers: [9, 23, 37, 51], codes: [0, 3, 8], transport: "sendfile", store: "chunks"),
        Fault(kind: "EIO", numbers: [12, 20], codes: [0, 3, 8], transport: "uring", store: "flat"),
        Fault(kind: "ENOSPC", numbers: [3, 8, 19, 30], codes: [0, 9], transport: "copy", store: "chunks"),
        Fault(kind: "ENOSPC", numbers: [6, 12], codes: [0, 9], transport: "sendfile", store: "flat"),
        Fault(kind: "EMFILE", numbers: [1, 4, 11, 22], codes: [0, 3, 8], transport: "uring", store: "chunks"),
        Fault(kind: "THREAD", numbers: [1, 3], codes: [0, 3], transport: "sendfile", store: "flat"),
        Fault(kind: "ECONNRESET", numbers: [2, 9, 17], codes: [0], transport: "copy", store: "flat"),
        Fault(kind: "EINTR", numbers: [50, 140], codes: [0], transport: "uring", store: "chunks"),
        Fault(kind: "EAGAIN", numbers: [4, 15], codes: [0], transport: "sendfile", store: "chunks"),
        Fault(kind: "SHORT", numbers: [3, 14, 29], codes: [0], transport: "copy", store: "chunks"),
    ]

    @Test(arguments: faults, ["peer", "owner"]) func aCallThatFailsLeavesARightFileOrAReason(
        fault: Fault, role: String
    ) throws {
        for number in fault.numbers { try run(fault, number, role) }
    }

    private func run(_ fault: Fault, _ number: Int, _ role: String) throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 20_100)
        let ports = try FreePort.take(2)
        let shared = "--io \(fault.transport) --store \(fault.store) --timeout 20 --linger 10 -q"
        let commands = [
            "owner": "owner \(ports[0]) data.bin --chunk-size 2048 --peers 1 --dir owner \(shared)",
            "peer": "peer \(ports[0]) \(ports[1]) --dir peer \(shared)",
        ]
        let injected = ["MILLRACE_FAULT": "\(fault.kind):\(number)"]
        var nodes: [String: Child] = [:]
        for name in ["owner", "peer"] {
            nodes[name] = try ground.start(name, commands[name]!, environment: name == role ? injected : [:])
        }
        let place: Comment = "\(fault.kind):\(number) at the \(role)"
        let victim = try #require(nodes[role])
        let code = try victim.wait()
        #expect(fault.codes.contains(code), "\(place): \(victim.errors)")
        // What has the file's name is the file, whatever the exit code.
        if let there = ground.data("peer/data.bin") { #expect(there == bytes, place) }
        if code != 0 {
            #expect(victim.errors.contains("millrace: "), place)
            nodes[role] = try ground.start("\(role)-again", commands[role]!)
        }
        for child in nodes.values { #expect(try child.wait() == 0, "\(place), afterwards: \(child.errors)") }
        #expect(ground.data("peer/data.bin") == bytes, place)
        let left = ground.names("peer").filter { $0.hasSuffix(".part") || $0.hasSuffix(".new") }
        #expect(left == [], place)
    }
}
