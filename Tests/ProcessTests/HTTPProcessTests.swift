import Foundation
import Testing

/// The programs that people fetch files with, against nodes as people start them.
@Suite(.timeLimit(.minutes(3))) struct HTTPProcessTests {
    /// Runs a program in a folder and returns its exit code and what it said.
    @discardableResult
    static func run(_ words: String, in ground: Ground) throws -> (code: Int32, output: String) {
        // What a user or a machine is set up with must not come between.
        let without = ["-u", "http_proxy", "-u", "all_proxy", "timeout", "60"]
        return try Tool.run(without + words.split(separator: " ").map(String.init), in: ground.path)
    }

    /// An owner and two peers that have the file and serve it on.
    final class Swarm {
        let ground: Ground
        let bytes: Data
        let nodes: [Child]
        let urls: [String]

        init(byteCount: Int) throws {
            ground = try Ground()
            bytes = try ground.file("data.bin", byteCount: byteCount)
            let ports = try FreePort.take(6)
            var nodes = [
                try ground.start("owner", "owner \(ports[0]) data.bin --http \(ports[3]) --linger 120 --store flat")
            ]
            for index in 1...2 {
                let store = index == 1 ? "flat" : "chunks"
                nodes.append(
                    try ground.start(
                        "peer-\(index)",
                        "peer \(ports[0]) \(ports[index]) --http \(ports[3 + index]) --linger 120 --store \(store)"))
            }
            self.nodes = nodes
            urls = (0...2).map { "http://127.0.0.1:\(ports[3 + $0])" }
            for index in 1...2 { try waitUntil { nodes[index].errors.contains("is complete and verified") } }
        }
    }

    @Test(.enabled(if: Tool.isInstalled("curl"), "curl is not installed")) func curlFetchesTheFileAndParts() throws {
        let swarm = try Swarm(byteCount: 3_000_001)
        for (index, url) in swarm.urls.enumerated() {
            #expect(try Self.run("curl -sfo whole-\(index) \(url)/data.bin", in: swarm.ground).code == 0)
            #expect(swarm.ground.data("whole-\(index)") == swarm.bytes)
            #expect(try Self.run("curl -sf -r 100000-2500000 -o part-\(index) \(url)/file", in: swarm.ground).code == 0)
            #expect(swarm.ground.data("part-\(index)") == swarm.bytes[100_000...2_500_000])
            #expect(try Self.run("curl -sf -r -5 -o tail-\(index) \(url)/file", in: swarm.ground).code == 0)
            #expect(swarm.ground.data("tail-\(index)") == swarm.bytes.suffix(5))
        }
        try FileManager.default.createDirectory(atPath: swarm.ground.path + "/named", withIntermediateDirectories: true)
        #expect(try Self.run("curl -sfOJ --output-dir named \(swarm.urls[0])/file", in: swarm.ground).code == 0)
        #expect(swarm.ground.data("named/data.bin") == swarm.bytes)
        let head = try Self.run("curl -sfI \(swarm.urls[1])/file", in: swarm.ground).output
        #expect(head.contains("Content-Length: 3000001") && head.contains("Accept-Ranges: bytes"))
        let tag = try #require(head.split(separator: "\r\n").first { $0.hasPrefix("ETag: ") }?.dropFirst(6))
        let words = "curl -sw %{http_code} -o none -H If-None-Match:\(tag) \(swarm.urls[2])/file"
        let again = try Self.run(words, in: swarm.ground)
        #expect(again.output == "304", "peers and owner have one ETag")
    }

    @Test(.enabled(if: Tool.isInstalled("wget"), "wget is not installed")) func wgetGoesOnWhereItStopped() throws {
        let swarm = try Swarm(byteCount: 2_000_000)
        let start = swarm.bytes.prefix(700_000)
        try start.write(to: URL(fileURLWithPath: "\(swarm.ground.path)/file"))
        let went = try Self.run("wget -c --no-proxy \(swarm.urls[1])/file", in: swarm.ground)
        #expect(went.code == 0, "\(went.output)")
        #expect(went.output.contains("206"), "\(went.output)")
        #expect(swarm.ground.data("file") == swarm.bytes)
    }

    @Test(.enabled(if: Tool.isInstalled("aria2c"), "aria2 is not installed"))
    func aria2TakesManyNodesAsMirrors() throws {
        let swarm = try Swarm(byteCount: 24_000_000)
        let mirrors = swarm.urls.map { $0 + "/data.bin" }.joined(separator: " ")
        let words = "aria2c --no-conf -x 8 -s 24 -k 1M -o copy.bin --console-log-level=warn \(mirrors)"
        let got = try Self.run(words, in: swarm.ground)
        #expect(got.code == 0, "\(got.output)")
        #expect(swarm.ground.data("copy.bin") == swarm.bytes)
        let served = try swarm.urls.map { url in
            try Self.run("curl -s \(url)/metrics", in: swarm.ground).output.contains("responses_total{code=\"206\"}")
        }
        #expect(served == [true, true, true], "every mirror had its part")
    }

    @Test(.enabled(if: Tool.isInstalled("curl"), "curl is not installed"))
    func aPeerOnItsWayServesWhatItHasVerified() throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 12_000_000)
        let ports = try FreePort.take(3)
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --store flat --rate-limit 6MB")
        let peer = try ground.start("peer", "peer \(ports[0]) \(ports[1]) --http \(ports[2])")
        try waitUntil { ground.chunkFiles("peer-\(ports[1])").count > 20 }
        owner.signal(SIGSTOP)
        let url = "http://127.0.0.1:\(ports[2])"
        var held = -1
        try waitUntil {
            let status = try Self.run("curl -s \(url)/status", in: ground).output
            let object = try JSONSerialization.jsonObject(with: Data(status.utf8)) as? [String: Any]
            let before = held
            held = try #require((object?["file"] as? [String: Any])?["heldChunks"] as? Int)
            return held == before
        }
        try #require(held > 20 && held < 118, "the owner was stopped half-way")
        var codes: [String: Int] = [:]
        for chunk in stride(from: 0, to: 118, by: 9) {
            let range = "\(chunk * 102_400)-\(min((chunk + 1) * 102_400, 12_000_000) - 1)"
            let code = try Self.run("curl -sw %{http_code} -r \(range) -o part \(url)/file", in: ground).output
            codes[code, default: 0] += 1
            guard code == "206" else { continue }
            #expect(ground.data("part") == bytes[(chunk * 102_400)..<min((chunk + 1) * 102_400, 12_000_000)])
        }
        #expect(Set(codes.keys) == ["206", "503"], "\(codes)")
        #expect(try Self.run("curl -sD - -o none \(url)/file", in: ground).output.contains("Retry-After: "))
        owner.signal(SIGCONT)
        try waitUntil { try Self.run("curl -sfo whole \(url)/file", in: ground).code == 0 }
        #expect(ground.data("whole") == bytes)
        for node in [owner, peer] { node.signal(SIGTERM) }
        _ = try (owner.wait(), peer.wait())
    }

    @Test(.enabled(if: Tool.isInstalled("curl"), "curl is not installed"))
    func theHTTPPortIsOnLoopbackAndOffUnlessAsked() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 1000)
        let ports = try FreePort.take(3)
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --http \(ports[1]) --http-name mirror.test")
        try waitUntil { owner.errors.contains("HTTP port \(ports[1])") }
        func code(_ words: String) throws -> String {
            try Self.run("curl -sw %{http_code} -o none \(words)", in: ground).output
        }
        #expect(try code("http://127.0.0.1:\(ports[1])/") == "200")
        #expect(try code("http://127.0.0.2:\(ports[1])/") == "000")
        #expect(try code("-H Host:mirror.test http://127.0.0.1:\(ports[1])/") == "200")
        #expect(try code("-H Host:other.test http://127.0.0.1:\(ports[1])/") == "421")
        let second = try ground.start("second", "owner \(ports[2]) data.bin --http \(ports[1]) --dir other")
        #expect(try second.wait() == 3)
        #expect(second.errors.contains("HTTP") && second.errors.contains("--http"))
        #expect(second.output.isEmpty, "nothing has run, so that there is nothing to report: \(second.output)")
        owner.signal(SIGTERM)
        #expect(try owner.wait() == 7)
        let without = try ground.start("without", "owner \(ports[2]) data.bin --dir third")
        try waitUntil { without.errors.contains("listening") || without.errors.contains("serving") }
        #expect(!without.errors.contains("HTTP"))
        without.signal(SIGTERM)
        _ = try without.wait()
    }
}
