import Foundation
import Testing

/// What people see, in a real terminal: one of tmux's, whose screen is read back.
@Suite(
    .enabled(if: Terminal.isThere, "tmux is not installed; Scripts/install.sh tmux installs it"),
    .timeLimit(.minutes(3)))
struct TerminalTests {
    private let event = /^[0-9]+\.[0-9]{6} peer [0-9]+: .+ with=.+$/

    /// A peer that is half-way and stays there: its owner is stopped.
    private func halfWay(_ ground: Ground, _ terminal: Terminal, _ more: String = "") throws -> Child {
        try ground.file("data.bin", byteCount: 2_000_000)
        let ports = try FreePort.take(2)
        let owner = try ground.start(
            "owner", "owner \(ports[0]) data.bin --chunk-size 1KiB --rate-limit 1MB --timeout 60")
        try terminal.type("peer \(ports[0]) \(ports[1]) --timeout 60 \(more)")
        try waitUntil { ground.chunkFiles("peer-\(ports[1])").count > 200 }
        owner.signal(SIGSTOP)
        try waitUntil { try terminal.lines().last?.contains(/[0-9] % .*k?B\/s/) == true }
        return owner
    }

    @Test func theBarStaysBelowTheEvents() throws {
        let ground = try Ground()
        let terminal = try Terminal(columns: 100, rows: 12, in: ground)
        let owner = try halfWay(ground, terminal)
        defer { owner.signal(SIGKILL) }
        let bar = /^data\.bin +[━╸─]+ +[0-9]+ % +[0-9.]+ k?B\/s +[0-9:-]+ +[0-9]+\/1954 chunks/
        try waitUntil {
            let lines = try terminal.lines()
            return lines.count == 12 && lines[11].contains(bar)
                && lines.dropLast().allSatisfy { $0.wholeMatch(of: event) != nil }
        }
    }

    /// Every event of the whole run is intact, though the bar was drawn between them.
    @Test func nothingIsGarbledOnTheWay() throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 1_000_000)
        let ports = try FreePort.take(2)
        let terminal = try Terminal(columns: 150, rows: 10, in: ground)
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --chunk-size 4KiB --rate-limit 1MB --peers 1")
        try terminal.type("peer \(ports[0]) \(ports[1]) --timeout 60")
        #expect(try owner.wait() == 0)
        try waitUntil { try terminal.lines().contains { $0.hasPrefix("left with 0") } }
        #expect(ground.data("peer-\(ports[1])/data.bin") == bytes)
        let all = try terminal.history()
        let known = all.filter { $0.wholeMatch(of: event) != nil || $0.hasPrefix("peer") || $0.hasPrefix("  ") }
        let rest = all.filter { !known.contains($0) }
        #expect(rest.allSatisfy { $0.hasPrefix("report: data.bin") || $0.hasPrefix("left with 0") }, "\(rest)")
        #expect(all.count { $0.contains(": chunk received ") } == 245)
    }

    @Test func aTerminalThatBecomesNarrowOrWideIsFilledAnew() throws {
        let ground = try Ground()
        let terminal = try Terminal(columns: 110, rows: 10, in: ground)
        let owner = try halfWay(ground, terminal, "-q --progress bar")
        defer { owner.signal(SIGKILL) }
        for columns in [60, 20, 110] {
            try terminal.resize(columns: columns, rows: 10)
            try waitUntil {
                let bars = try terminal.lines().filter { $0.contains(" %") }
                return bars.count == 1 && bars[0].count < columns
                    && bars[0].contains("source") == (columns == 110) && bars[0].contains("─") == (columns > 20)
            }
        }
    }

    @Test func coloursGoWithNO_COLORAndUnicodeWithTheLocale() throws {
        let ground = try Ground()
        let terminal = try Terminal(columns: 100, rows: 10, in: ground)
        let owner = try halfWay(ground, terminal, "-q --progress bar")
        let coloured = try #require(try terminal.colouredLines().last)
        #expect(coloured.contains("\u{1B}[") && coloured.contains("─"), "\(coloured)")
        owner.signal(SIGKILL)
        let second = try Ground()
        let plain = try Terminal(columns: 100, rows: 10, in: second, environment: ["NO_COLOR=1", "LC_ALL=C"])
        let other = try halfWay(second, plain, "-q --progress bar")
        defer { other.signal(SIGKILL) }
        let line = try #require(try plain.colouredLines().last)
        #expect(line.contains(/\[=*>? +\]/) && line.utf8.allSatisfy { $0 >= 32 && $0 < 127 }, "\(line)")
    }

    @Test func waitingForTheOwnerCountsDownAndADumbTerminalGetsNoCodes() throws {
        let ground = try Ground()
        let ports = try FreePort.take(2)
        let terminal = try Terminal(columns: 80, rows: 10, in: ground)
        try terminal.type("peer \(ports[0]) \(ports[1]) --timeout 90")
        try waitUntil { try terminal.lines().last?.contains(/waiting for the owner +at [0-9]+ +1:2[0-9] left/) == true }
        let dumb = try Terminal(columns: 80, rows: 10, in: ground, environment: ["TERM=dumb"])
        try dumb.type("peer \(ports[0]) \(ports[1] + 1) --timeout 7")
        let waiting = /^peer: waiting for the owner +at [0-9]+ +0:0[0-9] left$/
        try waitUntil { try dumb.lines().contains { $0.contains(waiting) } }
        try waitUntil { try dumb.lines().contains { $0.hasPrefix("left with 3") } }
    }

    @Test func theOwnerShowsABarForEveryPeer() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 2_000_000)
        let ports = try FreePort.take(3)
        let terminal = try Terminal(columns: 100, rows: 10, in: ground)
        try terminal.type("owner \(ports[0]) data.bin --chunk-size 1KiB --rate-limit 1MB --peers 2 -q --progress bar")
        try waitUntil { try terminal.lines().last?.contains("waiting for peers") == true }
        let peers = try [1, 2].map { try ground.start("\($0)", "peer \(ports[0]) \(ports[$0]) -q --store flat") }
        let bar = /^peer [01] +127\.0\.0\.1:[0-9]+ +━*╸?─* +[0-9]+ %/
        try waitUntil { try terminal.lines().count { $0.contains(bar) } == 2 }
        for peer in peers { #expect(try peer.wait() == 0) }
        try waitUntil { try terminal.lines().contains { $0.hasPrefix("left with 0") } }
        #expect(try terminal.lines().contains { $0.contains("2 of 2 done") })
    }
}
