import Foundation
import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

@Suite(.timeLimit(.minutes(5))) struct EventLogTests {
    /// A log that writes to a file, and the file.
    private struct Written {
        let scratch: Scratch
        let log: EventLog
        private let path: String

        init(_ change: (inout LogOptions) -> Void = { _ in }, onFirst: @escaping @Sendable () -> Void = {}) throws {
            scratch = try Scratch()
            path = try scratch.write("log", [])
            var options = LogOptions()
            options.eventDescriptor = open(path, O_WRONLY | O_APPEND)
            options.noticeDescriptor = options.eventDescriptor
            change(&options)
            log = EventLog(role: .peer, options: options, onFirst: onFirst)
        }

        var lines: [String] {
            log.flush()
            return String(decoding: Scratch.read(path) ?? [], as: UTF8.self).split(separator: "\n").map(String.init)
        }

        func sayEverything() {
            log.chunk(.received, 7, byteCount: 1024, .peer(3))
            log.chunk(.sent, 8, byteCount: 1, .owner)
            log.list(.received, count: 5, isAddition: false, .unknown)
            log.list(.sent, count: 6, isAddition: true, .peer(4))
            log.request(.sent, first: 9, count: 1, .peer(5))
            log.request(.received, first: 10, count: 2, .peer(6))
        }
    }

    @Test func eachTextLineSaysTimeNodeEventChunkAndPartner() throws {
        let written = try Written()
        written.log.setNumber(2)
        written.sayEverything()
        let expected = [
            "peer 2: chunk received chunk=7 bytes=1024 with=peer 3", "peer 2: chunk sent chunk=8 bytes=1 with=owner",
            "peer 2: chunk ID list received chunks=5 form=whole with=unknown",
            "peer 2: chunk ID list sent chunks=6 form=addition with=peer 4",
            "peer 2: chunks requested chunk=9 count=1 with=peer 5",
            "peer 2: request received chunk=10 count=2 with=peer 6",
        ]
        let lines = written.lines
        #expect(lines.map { $0.drop { $0 != " " }.dropFirst() } == expected.map { $0[...] })
        for line in lines { #expect(Double(line.prefix { $0 != " " }) != nil) }
    }

    @Test func everyJSONLineParses() throws {
        let written = try Written { $0.format = .json }
        written.sayEverything()
        var events: [String] = []
        for (index, line) in written.lines.enumerated() {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(object["sequence"] as? Int == index + 1)
            #expect(object["node"] as? String == "peer")
            #expect((object["time"] as? Double ?? 0) > 1.6e9)
            #expect((object["elapsed"] as? Double ?? -1) >= 0)
            #expect(object["with"] is String)
            events.append(try #require(object["event"] as? String))
        }
        #expect(
            events == [
                "chunk received", "chunk sent", "chunk ID list received", "chunk ID list sent", "chunks requested",
                "request received",
            ])
    }

    /// Documentation/events.md has every event and every field.
    @Test func theDocumentHasAllThatIsWritten() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Documentation/events.md")
        let document = try String(contentsOf: path, encoding: .utf8)
        let bench = try Bench(byteCount: 3000)
        let owner = try bench.owner { $0.peerCount = 1 }
        let peer = try bench.peer("peer", of: owner.port)
        let reports = try [peer.report().json, owner.report().json]
        let written = try Written { $0.format = .json }
        written.sayEverything()
        written.log.chunk(.discarded, 1, byteCount: 1, .peer(1), tookNanoseconds: 1)
        written.log.chunk(.refused, 1, byteCount: 1, .peer(1))
        written.log.credit(.sent, count: 2, .owner)
        for json in reports { written.log.report(text: "", json: json) }
        var seen: Set<String> = []
        func look(_ value: Any) {
            for one in value as? [Any] ?? [] { look(one) }
            for (key, inner) in value as? [String: Any] ?? [:] {
                seen.insert(key)
                if key == "event", let name = inner as? String { seen.insert(name) }
                look(inner)
            }
        }
        for line in written.lines { look(try JSONSerialization.jsonObject(with: Data(line.utf8))) }
        #expect(seen.count > 40)
        for word in seen { #expect(document.contains("`\(word)`"), "\(word) is not in events.md") }
    }

    @Test func noLineOfManyThreadsIsLostOrTorn() throws {
        let written = try Written { $0.format = .json }
        let (threadCount, lineCount) = (6, 3000)
        let threads = try (0..<threadCount).map { _ in
            let log = written.log
            return try Running {
                for chunk in 0..<lineCount { log.chunk(.sent, ChunkID(chunk), byteCount: 1, .owner) }
            }
        }
        for thread in threads { try thread.value() }
        let numbers = try written.lines.map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return object?["sequence"] as? Int
        }
        #expect(numbers == (1...(threadCount * lineCount)).map { $0 })
    }

    @Test func someoneIsToldOnceALineWaits() throws {
        let told = Lock(0)
        let written = try Written(onFirst: { told.withLock { $0 += 1 } })
        written.sayEverything()
        #expect(told.withLock { $0 } == 1)
        written.log.flush()
        written.sayEverything()
        #expect(told.withLock { $0 } == 2)
    }

    @Test func aQuietLogHasNoticesOfItsLevelOnly() throws {
        let quiet = try Written { $0.level = .quiet }
        quiet.sayEverything()
        quiet.log.notice("hidden")
        #expect(quiet.lines.isEmpty)
        let normal = try Written()
        normal.log.notice("shown")
        normal.log.notice("hidden", level: .verbose)
        #expect(normal.lines == ["peer: shown"])
    }

    @Test func durationsAreSecondsAndPeersHaveNumbers() throws {
        let written = try Written { $0.format = .json }
        written.log.chunk(.received, 7, byteCount: 5, .peer(3), tookNanoseconds: 1_234_000)
        let line = try #require(written.lines.first)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["seconds"] as? Double == 0.001234)
        #expect(object["peer"] as? Int == 3)
        #expect(object["with"] as? String == "peer 3")
    }

    @Test func aNoticeIsOneLineThatATerminalMayShow() throws {
        let written = try Written()
        written.log.notice("a\u{1B}[2Jb\nc")
        #expect(written.lines == ["peer: a?[2Jb?c"])
    }

    @Test(arguments: LogOptions.Format.allCases, [LogOptions.Level.quiet, .normal])
    func aLogFileGetsEverythingAndStdoutTheReportOnly(format: LogOptions.Format, level: LogOptions.Level) throws {
        let scratch = try Scratch()
        let path = try scratch.write("all.log", Array("before\n".utf8))
        let written = try Written {
            $0.format = format
            $0.level = level
            $0.file = try? LogFile(path: path)
        }
        written.sayEverything()
        written.log.notice("a \"quoted\" notice")
        written.log.notice("not asked for", level: .verbose)
        written.log.report(text: "report: text", json: "{\"event\":\"report\"}")
        let all = String(decoding: try #require(Scratch.read(path)), as: UTF8.self).split(separator: "\n")
        #expect(all.count == 1 + 1 + 6 + 1 + 1 && all[0] == "before")
        #expect(all[1].contains("the run begins at 20") && all[8].contains("quoted") && all[9].contains("report"))
        let said = written.lines
        #expect(said.count == (level == .quiet ? 0 : 2) && (said.isEmpty || said[0] == "peer: a \"quoted\" notice"))
        #expect(said.isEmpty || said[1].hasSuffix(format == .json ? ",\"event\":\"report\"}" : "report: text"))
        guard format == .json else { return }
        let objects = try all[1...].map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
        #expect(objects[7]?["text"] as? String == "a \"quoted\" notice")
        #expect(objects.compactMap { $0?["sequence"] as? Int } == Array(1...9))
        let last = try #require(objects.last ?? nil)
        #expect(last["node"] as? String == "peer" && last["elapsed"] is Double)
        #expect((last["time"] as? Double ?? 0) > 1.6e9)
    }

    @Test func aLogFileThatCannotBeIsAFileFault() throws {
        let failure = #expect(throws: NodeFailure.self) { try LogFile(path: "/nowhere/at/all.log") }
        #expect(failure?.code == .fileFault && failure?.text.contains("--log-file") == true)
    }

    @Test func aLineIsWrittenByItselfAndNothingIsLostAtTheEnd() throws {
        let scratch = try Scratch()
        let path = try scratch.write("log", [])
        var options = LogOptions()
        options.eventDescriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        defer { close(options.eventDescriptor) }
        let wake = try WakeUp()
        let log = EventLog(role: .peer, options: options) { wake.signal() }
        let console = try ConsoleThread.start(log, wake: wake, mode: .none) { .peer(PeerProgress()) }
        log.chunk(.sent, 1, byteCount: 1, .owner)
        try waitUntil { Scratch.read(path)?.isEmpty == false }
        for chunk in 0..<20_000 { log.chunk(.sent, ChunkID(chunk), byteCount: 1, .owner) }
        console.stop()
        #expect(Scratch.read(path)?.count { $0 == UInt8(ascii: "\n") } == 20_001)
    }

    @Test func noticesAreWrittenByTheConsolesThreadInTheirPlaceAmongEvents() throws {
        let wake = try WakeUp()
        let written = try Written(onFirst: { wake.signal() })
        let console = try ConsoleThread.start(written.log, wake: wake, mode: .none) { .peer(PeerProgress()) }
        for chunk in 0..<ChunkID(200) {
            written.log.chunk(.sent, chunk, byteCount: 1, .owner)
            written.log.notice("after \(chunk)")
        }
        console.stop()
        let words = written.lines.map { $0.contains("after") ? $0 : String($0.split(separator: " ")[4]) }
        #expect(words == (0..<200).flatMap { ["chunk=\($0)", "peer: after \($0)"] })
        written.log.notice("without a console")
        #expect(written.lines.last == "peer: without a console")
    }

    /// Nobody reads: the thread that ends the run logs on without waiting, and then waits for a moment only.
    @Test func aReaderThatStandsStillKeepsNoRunFromItsEnd() throws {
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        // The threads that are stuck end with it; the other end stays open for them.
        defer { close(reading) }
        let (wake, interrupt) = (try WakeUp(), try WakeUp())
        let log = try Written {
            $0.eventDescriptor = writing
            $0.noticeDescriptor = writing
        } onFirst: {
            wake.signal()
        }.log
        let run = try Running {
            let console = try ConsoleThread.start(log, wake: wake, mode: .none) { .peer(PeerProgress()) }
            for chunk in 0..<ChunkID(3 * NodeLimits.logCount) { log.chunk(.sent, chunk, byteCount: 1, .owner) }
            for _ in 0..<100 { log.notice("a notice") }
            interrupt.signal()
            console.stop(interrupt: interrupt.descriptor)
            log.report(text: "report", json: "{}", interrupt: interrupt.descriptor)
        }
        try run.value(withinSeconds: 20)
    }

    @Test func aReaderThatGoesAwayStopsNothing() throws {
        signal(SIGPIPE, SIG_IGN)
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        close(ends[0])
        let log = try Written { $0.eventDescriptor = ends[1] }.log
        for chunk in 0..<5000 { log.chunk(.sent, ChunkID(chunk), byteCount: 1, .owner) }
        log.flush()
        close(ends[1])
    }
}

@Suite struct ReportTests {
    @Test(arguments: ["plain", "with \"quotes\" and \\", "tab\tand\nline", "żółw 🐢", "\u{1}\u{1F}", ""])
    func aQuotedTextIsOneJSONString(text: String) throws {
        let data = Data(Report.quoted(text).utf8)
        #expect(try JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed) as? String == text)
    }

    @Test func secondsHaveThreePlaces() {
        let texts = [0, 0.0004, 0.0005, 1, 12.3456, -1].map(Report.seconds)
        #expect(texts == ["0.000", "0.000", "0.001", "1.000", "12.346", "0.000"])
    }

    @Test func aRateOfNoTimeIsNone() {
        #expect(Report.rate(5, 0) == "0 MB/s")
        #expect(Report.rate(2_000_000, 2) == "1.000 MB/s")
    }
}
