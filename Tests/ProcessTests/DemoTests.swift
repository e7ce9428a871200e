import Foundation
import Testing

@Suite(.timeLimit(.minutes(5))) struct DemoTests {
    /// Processes whose arguments name a folder.
    private func processes(of folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.filter { number in
            let words = FileManager.default.contents(atPath: "/proc/\(number)/cmdline") ?? Data()
            return String(decoding: words, as: UTF8.self).contains(folder)
        }
    }

    @Test(arguments: [SIGTERM, SIGINT]) func aDemoThatIsInterruptedLeavesNothingBehind(signal: CInt) throws {
        let ground = try Ground()
        let temporary = "\(ground.path)/temporary"
        try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: true)
        try ground.file("data.bin", byteCount: 100_000_000)
        let demo = try Child(
            ["demo", "data.bin", "--peers", "8", "--store", "flat"], in: ground.path, name: "demo",
            under: ["/usr/bin/env", "--default-signal"], environment: ["TMPDIR": temporary])
        try waitUntil { demo.errors.contains("serving") }
        #expect(try processes(of: temporary).count > 1)
        demo.signal(signal)
        #expect(try demo.wait(withinSeconds: 30) == 7)
        #expect(demo.errors.contains("interrupted"))
        #expect(ground.names("temporary").isEmpty)
        #expect(try processes(of: temporary).isEmpty)
    }

    @Test func aFolderOfAnEarlierDemoIsRefused() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 300_000)
        let first = try ground.start("first", "demo data.bin --peers 2 -q --dir work")
        #expect(try first.wait() == 0)
        let second = try ground.start("second", "demo --peers 2 -q --dir work")
        #expect(try second.wait() == 8)
        #expect(second.errors.contains("earlier demo") && second.errors.contains("--dir"))
        #expect(ground.names("work") == ["owner", "peer-1", "peer-2"])
    }
}
