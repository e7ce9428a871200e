import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

private let second: UInt64 = 1_000_000_000
private let plain = ProgressStyle(hasColour: false, hasUnicode: false)

@Suite struct RateWindowTests {
    @Test func aSteadyRateIsSeenAfterAMoment() {
        var window = RateWindow()
        window.saw(0, at: 10 * second)
        #expect(window.bytesPerSecond(at: 10 * second) == nil)
        for tenth in 1...100 {
            let now = 10 * second + UInt64(tenth) * second / 10
            window.saw(UInt64(tenth) * 100, at: now)
        }
        #expect(window.bytesPerSecond(at: 20 * second) == 1000)
    }

    @Test func oldSecondsAreForgotten() throws {
        var window = RateWindow()
        for tenth in 0...100 { window.saw(UInt64(tenth) * 1000, at: UInt64(tenth) * second / 10) }
        for tenth in 101...200 { window.saw(100_000, at: UInt64(tenth) * second / 10) }
        #expect(window.bytesPerSecond(at: 20 * second) == 0)
    }

    @Test func waitingBeforeTheFirstByteDoesNotCount() throws {
        var window = RateWindow()
        for turn in 0...100 { window.saw(0, at: UInt64(turn) * second / 4) }
        for turn in 101...104 { window.saw(UInt64(turn - 100) * 250, at: UInt64(turn) * second / 4) }
        #expect(try #require(window.bytesPerSecond(at: 26 * second)) == 1000)
    }

    @Test func aSmallerCountBeginsAnew() {
        var window = RateWindow()
        window.saw(5000, at: 0)
        window.saw(6000, at: second)
        window.saw(10, at: 2 * second)
        #expect(window.bytesPerSecond(at: 2 * second) == nil)
    }
}

@Suite struct ProgressUnitsTests {
    @Test func percentIsRoundedDownAndFullOnlyAtTheEnd() {
        let texts = [(0, 10), (1, 3), (9_999, 10_000), (10, 10), (0, 0), (12, 10)].map {
            ProgressUnits.percent($0.0, of: $0.1)
        }
        #expect(texts == ["0 %", "33 %", "99 %", "100 %", "100 %", "100 %"])
    }

    @Test func ratesHaveDecimalUnits() {
        let texts = [0, 999, 1000, 9_940_000, 9_960_000, 112e6, 999.6e6, 1.25e9, 5e15].map(ProgressUnits.rate)
        #expect(
            texts == [
                "0 B/s", "999 B/s", "1.0 kB/s", "9.9 MB/s", "10 MB/s", "112 MB/s", "1.0 GB/s", "1.3 GB/s", "5000 TB/s",
            ])
    }

    @Test func durationsAreAsOnAClock() {
        let texts = [0, 0.2, 34, 725, 3723, 270_000, 1e9].map { ProgressUnits.duration(seconds: $0) }
        #expect(texts == ["0:00", "0:01", "0:34", "12:05", "1:02:03", "3d 03h", "-:--"])
        #expect(ProgressUnits.duration(seconds: nil) == "-:--")
        #expect(ProgressUnits.duration(seconds: .infinity) == "-:--")
    }

    @Test func wideCharactersTakeTwoColumns() {
        #expect(Columns.width(of: "ab") == 2 && Columns.width(of: "日本") == 4 && Columns.width(of: "żó") == 2)
        #expect(Columns.cut("abcdef", to: 4, mark: "~") == "abc~")
        #expect(Columns.cut("日本語", to: 4, mark: "~") == "日~")
        #expect(Columns.cut("abc", to: 3, mark: "~") == "abc")
    }

    @Test func whatATerminalWouldActOnIsTakenOut() {
        #expect(Columns.printable("a\u{1B}[2Jb\nc\u{202E}d\u{7}") == "a?[2Jb?c?d?")
        #expect(Columns.printable("żółw 🐢") == "żółw 🐢")
    }
}

@Suite struct ProgressLineTests {
    private var peer: PeerProgress {
        var peer = PeerProgress()
        peer.name = "image.qcow2"
        (peer.fileByteCount, peer.chunkCount, peer.heldChunkCount) = (1_000_000, 100, 45)
        (peer.bytesFromOwner, peer.bytesFromPeers) = (90_000, 360_000)
        (peer.sourceCount, peer.uploadCount) = (3, 1)
        return peer
    }

    private static let phases: [PeerProgress.Phase] = [
        .waiting(owner: "some-long-host-name:9000", secondsLeft: 272), .checking, .fetching, .assembling, .serving,
    ]

    @Test func aWideLineSaysEverything() {
        #expect(
            peer.line(rate: 10_000, columns: 160, plain).text
                == "image.qcow2  [================>                     ]   45 %  10 kB/s  0:55  45/100 chunks"
                + "  owner 20 %, peers 80 %  3 sources  1 upload")
    }

    @Test func narrowLinesKeepWhatMatters() {
        #expect(peer.line(rate: 112e6, columns: 19, plain).text == " 45 % 112 MB/s 0:01")
        #expect(peer.line(rate: 112e6, columns: 9, plain).text == " 45 %")
        #expect(
            peer.line(rate: nil, columns: 50, plain).text == "[====>        ]   45 %  - B/s  -:--  45/100 chunks")
    }

    @Test(arguments: phases) func noLineIsEverTooWide(phase: PeerProgress.Phase) {
        var peer = peer
        peer.phase = phase
        peer.name = "日本語日本語日本語日本語日本語日本語.img"
        for style in [plain, ProgressStyle(hasColour: true, hasUnicode: true)] {
            for columns in 1...200 {
                let line = peer.line(rate: 123_456_789, columns: columns, style)
                #expect(line.columns <= columns, "\(columns): \(line.text)")
                let bare = line.text.replacing(/\u{1B}\[[0-9;]*m/, with: "")
                #expect(Columns.width(of: bare) == line.columns)
            }
        }
    }

    @Test func coloursAndLinesOnlyWhereTheyAreWanted() {
        let ascii = peer.line(rate: 1, columns: 100, plain).text
        #expect(ascii.utf8.allSatisfy { $0 >= 32 && $0 < 127 })
        for hasColour in [false, true] {
            let line = peer.line(rate: 1, columns: 100, ProgressStyle(hasColour: hasColour, hasUnicode: true)).text
            #expect(line.contains("\u{1B}") == hasColour && line.contains("━"))
        }
    }

    @Test func waitingCountsDown() {
        var peer = peer
        peer.phase = .waiting(owner: "host:9000", secondsLeft: 272)
        #expect(peer.line(rate: nil, columns: 80, plain).text == "waiting for the owner  at host:9000  4:32 left")
        peer.phase = .waiting(owner: "host:9000", secondsLeft: nil)
        #expect(peer.line(rate: nil, columns: 80, plain).text == "waiting for the owner  at host:9000")
    }

    @Test func anEmptyFileIsWhole() {
        var peer = PeerProgress()
        peer.name = "empty"
        #expect(peer.line(rate: nil, columns: 60, plain).text.contains("100 %"))
        #expect(peer.secondsLeft(nil) == 0)
    }

    @Test func aLogLineHasNoBar() {
        #expect(
            peer.logLine(rate: 10_000)
                == "45 %  10 kB/s  0:55 left  45/100 chunks  owner 20 %, peers 80 %  3 sources  1 upload")
    }
}

@Suite struct ProgressDisplayTests {
    private func text(_ display: ProgressDisplay, _ progress: NodeProgress, _ now: UInt64, rows: Int = 10) -> [String] {
        display.lines(progress, size: Terminal.Size(columns: 101, rows: rows), at: now).map(\.text)
    }

    /// 80 % are found on disk in a second; then 1 % comes each second.
    @Test func afterAResumeTheRateIsThatOfNewBytes() throws {
        var display = ProgressDisplay(style: plain)
        var peer = PeerProgress()
        (peer.fileByteCount, peer.chunkCount, peer.phase) = (100_000_000, 100, .checking)
        for quarter in 0...4 {
            peer.bytesFromDisk = UInt64(quarter) * 20_000_000
            peer.heldChunkCount = quarter * 20
            display.saw(.peer(peer), at: UInt64(quarter) * second / 4)
        }
        #expect(text(display, .peer(peer), second)[0].contains("checking"))
        #expect(text(display, .peer(peer), second)[0].contains("80 MB/s"))
        peer.phase = .fetching
        for quarter in 5...12 {
            peer.bytesFromOwner = UInt64(quarter - 4) * 250_000
            display.saw(.peer(peer), at: UInt64(quarter) * second / 4)
        }
        let line = text(display, .peer(peer), 3 * second)[0]
        #expect(line.contains("82 %") && line.contains("1.0 MB/s") && line.contains("0:18"), "\(line)")
    }

    private func owner(_ held: [Int]) -> OwnerProgress {
        var owner = OwnerProgress()
        (owner.name, owner.fileByteCount, owner.chunkCount, owner.chunkByteCount) = ("a.bin", 100_000, 100, 1000)
        owner.hashedChunkCount = 100
        owner.members = held.enumerated().map { index, held in
            OwnerProgress.Member(
                peer: PeerIndex(index), address: SocketAddress(host: .v4(0x0A00_0001), port: 9000 + UInt16(index)),
                heldChunkCount: held, isComplete: held == 100)
        }
        return owner
    }

    @Test func theOwnerShowsEveryPeerThatIsUnderWay() {
        var display = ProgressDisplay(style: plain)
        display.saw(.owner(owner([0, 0, 0])), at: 0)
        var later = owner([50, 20, 100])
        later.sentByteCount = 100_000
        later.wantedCount = 4
        display.saw(.owner(later), at: 2 * second)
        #expect(
            text(display, .owner(later), 2 * second) == [
                "a.bin  1 of 4 done, 2 under way  50 kB/s up  1.00 times the file sent",
                "peer 0  10.0.0.1:9000  [==================>                   ]   50 %  25 kB/s  0:02",
                "peer 1  10.0.0.1:9001  [======>                               ]   20 %  10 kB/s  0:08",
            ])
    }

    @Test func whereThereIsNoRoomTheOnesBehindAreShownAndTheRestCounted() {
        let many = owner(Array(0..<50).map { 99 - $0 })
        let lines = text(ProgressDisplay(style: plain), .owner(many), 0, rows: 6)
        #expect(lines.count == 5)
        #expect(lines[1].hasPrefix("peer 47") && lines[3].hasPrefix("peer 49"))
        #expect(lines[4] == "and 47 more  53 % to 99 %")
        for rows in 1...60 {
            #expect(text(ProgressDisplay(style: plain), .owner(many), 0, rows: rows).count <= max(1, rows - 1))
        }
    }

    @Test func anOwnerWithoutPeersWaits() {
        var owner = owner([])
        owner.secondsLeft = 300
        #expect(text(ProgressDisplay(style: plain), .owner(owner), 0) == ["a.bin  waiting for peers  5:00 left"])
        owner.hashedChunkCount = 40
        #expect(text(ProgressDisplay(style: plain), .owner(owner), 0)[0].contains("hashed 40 %"))
    }

    @Test func goneAndDoneArePassedOver() {
        var owner = owner([10, 100, 30])
        owner.members[0].isGone = true
        let lines = text(ProgressDisplay(style: plain), .owner(owner), 0)
        #expect(lines.count == 2 && lines[0].contains("1 done, 1 under way, 1 gone") && lines[1].hasPrefix("peer 2"))
        let line = ProgressDisplay(style: plain).logLine(.owner(owner), at: 0)
        #expect(line.hasSuffix("peer 2 is furthest behind, 30 %"))
    }

    @Test func theModeFollowsFromTheGround() {
        let terminal = ProgressGround(isTerminal: true, kind: "xterm")
        let dumb = ProgressGround(isTerminal: true, kind: "dumb")
        let nameless = ProgressGround(isTerminal: true, kind: nil)
        let file = ProgressGround(isTerminal: false, kind: "xterm")
        let quiet = ProgressGround(isTerminal: true, kind: "xterm", isQuiet: true)
        let all = [terminal, dumb, nameless, file, quiet]
        #expect(all.map { $0.mode(for: .auto) } == [.bar, .line, .line, .none, .none])
        #expect(all.map { $0.mode(for: .bar) } == [.bar, .line, .line, .line, .bar])
        #expect(all.allSatisfy { $0.mode(for: .line) == .line && $0.mode(for: .none) == .none })
    }
}

@Suite struct ScreenTests {
    @Test func aBlockIsErasedFromItsEndAlsoWhenItHasWrapped() {
        let lines = [StyledLine(String(repeating: "a", count: 80)), StyledLine("b")]
        #expect(Screen.erasing([], columns: 80) == "")
        #expect(Screen.erasing([StyledLine("b")], columns: 80) == "\r\u{1B}[J")
        #expect(Screen.erasing(lines, columns: 80) == "\r\u{1B}[1A\u{1B}[J")
        #expect(Screen.erasing(lines, columns: 30) == "\r\u{1B}[3A\u{1B}[J")
    }
}
