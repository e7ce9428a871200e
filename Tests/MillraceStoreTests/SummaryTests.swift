import Foundation
import MillraceWire
import Testing

@testable import MillraceStore

@Suite struct SummaryTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path + "/summary.txt" }

    private func layout() throws -> ChunkLayout { try ChunkLayout(fileByteCount: 2_000_000, chunkByteCount: 1024) }

    @Test func whatIsAppendedIsRead() throws {
        let summary = try SummaryFile(path: path, name: "a file", layout: layout())
        try summary.append([0..<100, 105..<106, 110..<121])
        try summary.append([])
        try summary.append([200..<201])
        let found = try #require(SummaryFile.read(path))
        #expect(found.name == "a file")
        #expect(try found.layout == layout())
        #expect(found.contentID == nil)
        #expect(found.chunks.runs == [0..<100, 105..<106, 110..<121, 200..<201])
    }

    @Test(arguments: ["a b", "\u{301}a", "a\nb", "100%", "ż"]) func everyNameIsRead(name: String) throws {
        _ = try SummaryFile(path: path, name: name, layout: layout())
        #expect(SummaryFile.read(path)?.name == name)
    }

    @Test func theTextIsForPeople() throws {
        let summary = try SummaryFile(path: path, name: "a", layout: layout())
        try summary.append([0..<100, 105..<106])
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines[0] == "millrace summary 1")
        #expect(
            lines.dropFirst().map { $0.dropLast(10) } == [
                "name: a", "size: 2000000", "chunk-size: 1024", "content: unknown", "chunks: 0-99 105",
            ])
        #expect(lines[5] == "chunks: 0-99 105 #" + String(CRC32.of("chunks: 0-99 105".utf8), radix: 16))
    }

    @Test func theChecksumIsThatOfGzip() {
        #expect(CRC32.of("123456789".utf8) == 0xCBF4_3926)
    }

    @Test func aTornLineIsDroppedAndSwallowsNothing() throws {
        let summary = try SummaryFile(path: path, name: "a", layout: layout())
        try summary.append([0..<10])
        try summary.append([20..<30])
        let whole = try #require(contents(path))
        for cut in 1..<20 {
            _ = try folder.file("summary.txt", Array(whole.dropLast(cut)))
            let again = try SummaryFile(path: path, name: "a", layout: layout())
            try again.append([40..<41])
            let runs = SummaryFile.read(path)?.chunks.runs
            #expect(cut == 1 ? runs == [0..<10, 20..<30, 40..<41] : runs == [0..<10, 40..<41])
        }
    }

    @Test func everyFlippedBitIsTolerated() throws {
        let summary = try SummaryFile(path: path, name: "a", layout: layout())
        try summary.append([0..<10])
        let whole = try #require(contents(path))
        for index in whole.indices {
            for bit in 0..<8 {
                var bytes = whole
                bytes[index] ^= 1 << UInt8(bit)
                guard let found = SummaryText.contents(of: bytes) else { continue }
                #expect(found.name == "a")
                #expect(found.chunks.runs == [] || found.chunks.runs == [0..<10])
            }
        }
    }

    @Test func chunksThatDoNotExistAreDropped() throws {
        let lines = ["5-4", "7-", "-", "1-2-3", "4000000000-4294967295", "1953", "99999999999", "x", "3"]
        let text = SummaryText.header(name: "a", layout: try layout(), contentID: nil)
        let line = "chunks: " + lines.joined(separator: " ")
        let seal = String(CRC32.of(line.utf8), radix: 16)
        let padded = String(repeating: "0", count: 8 - seal.count) + seal
        let found = SummaryText.contents(of: Array((text + line + " #" + padded + "\n").utf8))
        #expect(try layout().chunkCount == 1954)
        #expect(found?.chunks.runs == [3..<4, 1953..<1954])
    }

    @Test func aForeignFileIsNoSummary() throws {
        for text in ["", "\n", "something else\n", "millrace summary 2\n", "millrace summary 1\nname: a\n"] {
            #expect(SummaryText.contents(of: Array(text.utf8)) == nil)
        }
        #expect(SummaryFile.read(folder.path) == nil)
        #expect(SummaryFile.read(folder.path + "/none") == nil)
    }

    @Test func everyForeignFileInItsPlaceKeepsItsBytes() throws {
        let notes = ["mine", "mine too", "and mine"].map { [UInt8]($0.utf8) }
        for bytes in notes {
            _ = try folder.file("summary.txt", bytes)
            _ = try SummaryFile(path: path, name: "a", layout: layout())
        }
        let kept = ["", ".2", ".3"].map { contents(path + ".unreadable" + $0) }
        #expect(kept == notes)
    }

    @Test func compactingSaysTheSameInFewerLines() throws {
        let summary = try SummaryFile(path: path, name: "a", layout: layout())
        var chunks = ChunkSet(chunkCount: try layout().chunkCount)
        for chunk in ChunkID(0)..<500 {
            try summary.append([chunk..<(chunk + 1)])
            chunks.insert(chunk)
        }
        let id = try #require(Digest(hex: String(repeating: "ab", count: 32)))
        try summary.compact(chunks, contentID: id)
        try summary.append([600..<601])
        let found = try #require(SummaryFile.read(path))
        #expect(found.contentID == id)
        #expect(found.chunks.runs == [0..<500, 600..<601])
        #expect(names(folder.path) == ["summary.txt"])
        #expect(try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count == 7)
    }

    @Test(arguments: ["a\nb", "100%", "tab\there", "\u{7F}", "line\u{2028}separator", "日本 語", "a #00000000"])
    func namesSurviveWhateverIsInThem(name: String) throws {
        _ = try SummaryFile(path: path, name: name, layout: layout())
        #expect(SummaryFile.read(path)?.name == name)
        #expect(EscapedName.escape(name).unicodeScalars.allSatisfy { $0.value >= 32 })
    }

    @Test(arguments: ["%", "%4", "%zz", "%ff"]) func badEscapesAreNoName(text: String) {
        #expect(EscapedName.unescape(text[...]) == nil)
    }
}

@Suite struct OutputNameTests {
    @Test(arguments: ["a", ".hidden", "a b.iso", "ä", "...", String(repeating: "x", count: 250)])
    func plainNamesPass(name: String) throws {
        #expect(try OutputName.check(name) == name)
    }

    @Test(arguments: ["", ".", "..", "a/b", "/", "a\0", "a\n", "\u{9B}x", "a.part", String(repeating: "x", count: 256)])
    func otherNamesAreRefused(name: String) {
        #expect(!OutputName.isPlain(name))
        #expect(throws: StoreError.self) { try OutputName.check(name) }
    }

    /// Each can be another folder's file, and so one that is served.
    @Test(arguments: [
        "lock", "identity.txt", "summary.txt", "summary.txt.new", "chunks", String(repeating: "x", count: 251),
        String(repeating: "ä", count: 127),
    ])
    func namesThatANodesFolderHasNoPlaceForAreRefused(name: String) {
        #expect(OutputName.isPlain(name))
        #expect(throws: StoreError.self) { try OutputName.check(name) }
    }
}
