import Foundation
import Testing

/// The number a process leaves with, and the line it says first.
@Suite(.timeLimit(.minutes(5))) struct ExitCodeTests {
    private static let badUsage = [
        ["", "nonsense", "verify", "verify data.bin --chunk-size 1", "demo --peers 0"],
        [
            "owner", "owner 9000", "owner nine data.bin", "owner 0 data.bin", "owner 70000 data.bin",
            "owner 9000 data.bin --peers 0", "owner 9000 data.bin --peers x", "owner 9000 data.bin --chunk-size 1",
            "owner 9000 data.bin --chunk-size 17MiB", "owner 9000 data.bin --linger -1",
            "owner 9000 data.bin --nonsense", "owner 9000 data.bin --http host:",
            "owner 9000 data.bin --rate-limit 12XB", "owner 9000 data.bin --rate-limit 0",
            "owner 9000 data.bin --rate-limit 1KB",
        ],
        [
            "peer", "peer 9000", "peer 9000 nine", "peer 9000 9001 host:", "peer 9000 9001 9002 9003",
            "peer 9000 9001 --timeout -1", "peer 9000 9001 --timeout x", "peer 9000 9001 --content abc",
            "peer 9000 9001 --store tape", "peer 9000 9001 --io magic", "peer 9000 9001 -q -v",
            "peer 9000 9001 --progress much", "peer --discover 9001 9002 9003", "peer 9000 9001 --log-format xml",
            "peer 9000 9001 --http", "peer 9000 9001 --rate-limit-down -5MB", "peer 9000 9001 --rate-limit 1.2.3MB",
            "peer 9000 9001 --rate-limit-down gbit",
        ],
    ]

    @Test(arguments: badUsage) func badUsageIs64AndSaysWhy(commands: [String]) throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 10)
        let children = try commands.enumerated().map { try ground.start("\($0)", $1) }
        for (words, child) in zip(commands, children) {
            #expect(try child.wait() == (words.isEmpty ? 0 : 64), "\(words)")
            #expect(!(child.errors + child.output).isEmpty, "\(words)")
        }
        #expect(ground.names(".").filter { $0.hasPrefix("owner-") || $0.hasPrefix("peer-") }.isEmpty)
    }

    /// What a script makes of a variable that is not set; a peer would notice once it has fetched everything.
    @Test(arguments: [
        ("peer 9000 9001 --output", "--output takes the path"), ("peer 9000 9001 --dir", "--dir takes the path"),
        ("owner 9000 data.bin --dir", "--dir takes the path"),
    ])
    func anEmptyPathIs64(words: String, text: String) throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 10)
        let child = try ground.start("child", words, "")
        #expect(try child.wait(withinSeconds: 20) == 64)
        #expect(child.errors.contains(text) && child.errors.split(separator: "\n").count == 1, "\(child.errors)")
    }

    @Test func badUsageSaysWhatIsTaken() throws {
        let ground = try Ground()
        let host = try ground.start("host", "peer nohost 9001")
        #expect(try host.wait() == 64)
        let wanted = "'nohost' is invalid for '<owner>' (The owner: its port on this machine, or HOST:PORT); see --help"
        #expect(host.errors.contains(wanted) && host.errors.split(separator: "\n").count == 1, "\(host.errors)")
        let rate = try ground.start("rate", "owner 9000 data.bin --rate-limit fast")
        #expect(try rate.wait() == 64)
        #expect(rate.errors.contains("(Send at most so much a second: 12MB, 100MB/s, 1gbit, 8MiB); see --help"))
    }

    @Test(arguments: ["--help", "owner --help", "peer --help", "verify --help", "demo --help", "--version"])
    func helpIs0(words: String) throws {
        let ground = try Ground()
        let child = try ground.start("child", words)
        #expect(try child.wait(withinSeconds: 20) == 0)
        #expect(!child.output.isEmpty)
        #expect(child.errors.isEmpty)
    }

    @Test func aFileThatIsNotThereIs8() throws {
        let ground = try Ground()
        let port = try FreePort.take(1)[0]
        for file in ["missing", "."] {
            let child = try ground.start("child", "owner \(port) \(file)")
            #expect(try child.wait(withinSeconds: 20) == 8)
            #expect(child.errors.split(separator: "\n").count == 1)
        }
        for command in ["verify missing", "demo missing"] {
            #expect(try ground.start("other", command).wait(withinSeconds: 20) == 8)
        }
    }

    @Test func aResultThatCannotBeWrittenIs8Or9() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 10)
        let full = ["/bin/sh", "-c", "exec \"$0\" \"$@\" > /dev/full"]
        for command in ["verify data.bin", "sim --chunks 10", "plan --peers 2 --link 1gbit --size 1MB"] {
            let child = try ground.start("full", command, under: full)
            #expect(try child.wait(withinSeconds: 20) == 9, "\(command)")
            #expect(child.errors.contains("stdout") && child.errors.split(separator: "\n").count == 1, "\(command)")
        }
        for (path, code) in [("/no/such/x.svg", Int32(8)), ("/dev/full", 9)] {
            let child = try ground.start("plot", "sim --chunks 10 --plot \(path)")
            #expect(try child.wait(withinSeconds: 20) == code)
            #expect(child.errors.contains(path) && child.errors.split(separator: "\n").count == 1)
        }
        let nowhere = try ground.start("nowhere", "demo --peers 1", environment: ["TMPDIR": "\(ground.path)/data.bin"])
        #expect(try nowhere.wait(withinSeconds: 20) == 8)
        #expect(nowhere.errors.contains("data.bin"))
    }

    /// The advice names an option that the command has.
    @Test func aFileThatCanNotBeServedIs8AndSaysWhatToDo() throws {
        let ground = try Ground()
        for name in ["movie.mkv.part", "huge"] { try ground.file(name, byteCount: 0) }
        guard truncate("\(ground.path)/huge", 1 << 40) == 0 else { return }  // the file system has a lower limit
        let port = try FreePort.take(1)[0]
        let tooMany = "huge has too many chunks of 1024 bytes; give a larger --chunk-size"
        let cases = [
            ("owner \(port) movie.mkv.part", "movie.mkv.part can't be the name of a file at the peers; rename it"),
            ("owner \(port) huge --chunk-size 1KiB", tooMany), ("verify huge --chunk-size 1KiB", tooMany),
        ]
        for (index, (words, text)) in cases.enumerated() {
            let child = try ground.start("\(index)", words)
            #expect(try child.wait(withinSeconds: 20) == 8)
            #expect(child.errors.contains(text) && !child.errors.contains("--output"), "\(child.errors)")
        }
    }

    @Test func ratesAsPeopleWriteThemAreTaken() throws {
        let ground = try Ground()
        let rates = [
            "12MB", "100MB/s", "1gbit", "200Mbit/s", "8MiB", "1.5GB", "500000", "64K", "2Gibit/s", "1Gbps", "20mb/S",
        ]
        let children = try rates.enumerated().map {
            try ground.start("\($0)", "owner 9000 missing --dir \($0) --rate-limit \($1) --rate-limit-down \($1)")
        }
        for (rate, child) in zip(rates, children) { #expect(try child.wait() == 8, "\(rate)") }
    }

    @Test func noOwnerWithinTheTimeOutIs3() throws {
        let ground = try Ground()
        let ports = try FreePort.take(2)
        let peer = try ground.start("peer", "peer \(ports[0]) \(ports[1]) --timeout 1")
        #expect(try peer.wait(withinSeconds: 20) == 3)
        #expect(peer.errors.contains("--timeout"))
    }

    @Test func aPeerNamedAsItsOwnOwnerIs2AndAnUnknownHostIs3() throws {
        let ground = try Ground()
        let port = try FreePort.take(1)[0]
        let own = try ground.start("own", "peer \(port) \(port)")
        #expect(try own.wait(withinSeconds: 20) == 2)
        #expect(own.errors.contains("this peer itself"))
        let unknown = try ground.start("unknown", "peer no-such-host.invalid:9000 \(port) --timeout 0.5")
        #expect(try unknown.wait(withinSeconds: 60) == 3)
        #expect(unknown.errors.contains("cannot resolve no-such-host.invalid"))
        #expect(unknown.errors.contains("within 0.5 s"))
    }

    @Test func noPeerWithinTheTimeOutIs5() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 10)
        let owner = try ground.start("owner", "owner \(try FreePort.take(1)[0]) data.bin --timeout 1")
        #expect(try owner.wait(withinSeconds: 20) == 5)
        #expect(owner.errors.contains("no peer came"))
    }

    @Test func anotherContentIs6AndAnOutputThatExists11() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 10)
        let before = try ground.file("there", byteCount: 20, seed: 2)
        let ports = try FreePort.take(2)
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin")
        let wrong = String(repeating: "0", count: 64)
        let other = try ground.start("other", "peer \(ports[0]) \(ports[1]) --content \(wrong)")
        #expect(try other.wait(withinSeconds: 30) == 6)
        #expect(ground.data("peer-\(ports[1])/data.bin") == nil)
        let exists = try ground.start("exists", "peer \(ports[0]) \(ports[1]) --output there")
        #expect(try exists.wait(withinSeconds: 30) == 11)
        #expect(ground.data("there") == before)
        owner.signal(SIGTERM)
        #expect(try owner.wait(withinSeconds: 20) == 7)
        #expect(try ground.start("verify", "verify data.bin --content \(wrong)").wait(withinSeconds: 20) == 6)
    }

    @Test func anOwnerWhoseFileIsNotTheOneExpectedIs6() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 10)
        let wrong = String(repeating: "0", count: 64)
        let owner = try ground.start("owner", "owner \(try FreePort.take(1)[0]) data.bin --content \(wrong)")
        #expect(try owner.wait(withinSeconds: 20) == 6)
        #expect(owner.errors.contains("not \(wrong)"))
    }

    @Test func anOwnerLostOnTheWayIs4() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 2_000_000)
        let ports = try FreePort.take(2)
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --chunk-size 1KiB --rate-limit 1MB")
        let peer = try ground.start("peer", "peer \(ports[0]) \(ports[1]) --timeout 2")
        try waitUntil { ground.chunkFiles("peer-\(ports[1])").count > 100 }
        owner.signal(SIGKILL)
        #expect(try peer.wait(withinSeconds: 40) == 4)
        #expect(peer.errors.contains("owner at \(ports[0]) and all neighbours are lost"))
    }

    /// A file with holes that no disk has room for.
    @Test func noSpaceIs9AndSaysHowMuchIsNeeded() throws {
        let ground = try Ground()
        let path = "\(ground.path)/data.bin"
        try ground.file("data.bin", byteCount: 0)
        let byteCount = 8 << 40
        guard truncate(path, byteCount) == 0 else { return }  // the file system has a lower limit
        let ports = try FreePort.take(2)
        let chunks = try ground.start("chunks", "owner \(ports[0]) data.bin --chunk-size 16MiB")
        #expect(try chunks.wait(withinSeconds: 30) == 9)
        #expect(chunks.errors.contains("\(byteCount) bytes are needed and "))
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --chunk-size 16MiB --store flat")
        let peer = try ground.start("peer", "peer \(ports[0]) \(ports[1]) --store flat")
        #expect(try peer.wait(withinSeconds: 30) == 9)
        #expect(peer.errors.contains("\(byteCount) bytes are needed and "))
        owner.signal(SIGTERM)
        #expect(try owner.wait(withinSeconds: 30) == 7)
    }

    @Test func anAddressThatIsNotOursIs3AndSaysSo() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 10)
        let port = try FreePort.take(1)[0]
        let cases = [
            ("owner 192.0.2.77:\(port) data.bin", "is no address of this machine"),
            ("owner no-such-host.invalid:\(port) data.bin", "is no known host"),
            ("peer 9 no-such-host.invalid:\(port)", "is no known host"),
        ]
        for (index, (words, text)) in cases.enumerated() {
            let child = try ground.start("\(index)", words)
            #expect(try child.wait(withinSeconds: 30) == 3)
            #expect(child.errors.contains(text) && child.errors.split(separator: "\n").count == 1, "\(child.errors)")
        }
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func aSignalIs7(signal: CInt) throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 10)
        let ports = try FreePort.take(3)
        // However the tests were started.
        let minding = ["/usr/bin/env", "--default-signal"]
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin", under: minding)
        try waitUntil { owner.errors.contains("serving") }
        let lone = try ground.start("lone", "peer \(ports[2]) \(ports[1])", under: minding)
        try waitUntil { lone.errors.contains("no owner listens") }
        for child in [owner, lone] {
            child.signal(signal)
            #expect(try child.wait(withinSeconds: 20) == 7)
        }
    }

    /// As nohup(1) starts a program, and a shell that is no terminal's a job with `&`.
    @Test func signalsThatAreIgnoredAtTheStartStayIgnored() throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 1000)
        let ports = try FreePort.take(2)
        let ignoring = ["/usr/bin/env", "--ignore-signal=HUP", "--ignore-signal=INT", "--default-signal=TERM"]
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin", under: ignoring)
        try waitUntil { owner.errors.contains("serving") }
        owner.signal(SIGHUP)
        owner.signal(SIGINT)
        let peer = try ground.start("peer", "peer \(ports[0]) \(ports[1]) --linger 0")
        try waitUntil { ground.data("peer-\(ports[1])/data.bin") == bytes }
        #expect(owner.isRunning)
        owner.signal(SIGTERM)
        #expect(try owner.wait(withinSeconds: 20) == 7)
        #expect(try peer.wait() == 0)
    }

    /// What a node opens first must not be taken for its console.
    @Test func aNodeWithoutStandardStreamsWritesToNoOtherFile() throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 100_000)
        let ports = try FreePort.take(2)
        let closed = ["/bin/sh", "-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"]
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --peers 1", under: closed)
        let peer = try ground.start("peer", "peer \(ports[0]) \(ports[1])", under: closed)
        #expect(try owner.wait() == 0)
        #expect(try peer.wait() == 0)
        #expect(ground.data("peer-\(ports[1])/data.bin") == bytes)
        for node in ["owner-\(ports[0])", "peer-\(ports[1])"] {
            #expect(ground.data("\(node)/lock")?.isEmpty == true, "\(node)")
        }
        #expect(ground.data("data.bin") == bytes)
    }

    /// Linux tells who would write more than `ulimit -f` allows by a signal that kills.
    @Test func aFileThatMayNotGrowIs8() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 3_000_000)
        let port = try FreePort.take(1)[0]
        let limited = ["/bin/sh", "-c", "ulimit -f 1000 && exec \"$0\" \"$@\""]
        let owner = try ground.start("owner", "owner \(port) data.bin --chunk-size 2MiB", under: limited)
        #expect(try owner.wait(withinSeconds: 20) == 8)
        #expect(owner.errors.contains("File too large"))
    }

    @Test func aPortInUseIs3() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 10)
        let ports = try FreePort.take(2)
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin")
        try waitUntil { owner.errors.contains("serving") }
        let second = try ground.start("second", "owner \(ports[0]) data.bin --dir elsewhere")
        #expect(try second.wait(withinSeconds: 20) == 3)
        #expect(second.errors.contains("port \(ports[0]) is taken by another program"))
        let same = try ground.start("same", "owner \(ports[1]) data.bin --dir owner-\(ports[0])")
        #expect(try same.wait(withinSeconds: 20) == 8)
    }

    @Test func anIdleOwnerAndAnIdlePeerUseNoCPU() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 200_000)
        let ports = try FreePort.take(2)
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --peers 2")
        let peer = try ground.start("peer", "peer \(ports[0]) \(ports[1])")
        try waitUntil { peer.errors.contains("complete and verified") && owner.errors.contains("has the whole file") }
        // On a busy machine what they did last may be counted late: one idle second of five is enough.
        var busiest: [Int] = []
        for _ in 0..<5 where busiest.allSatisfy({ $0 >= 2 }) {
            let before = try (owner.cpuTicks(), peer.cpuTicks())
            let second = Date() + 1
            try waitUntil { Date() > second }
            let after = try (owner.cpuTicks(), peer.cpuTicks())
            busiest.append(Int(max(after.0 - before.0, after.1 - before.1)))
        }
        #expect(busiest.contains { $0 < 2 }, "ticks in each second: \(busiest)")
    }
}
