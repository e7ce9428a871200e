import Foundation
import Testing

@testable import MillraceIO

@Suite struct FileTests {
    private let folder = TemporaryFolder()

    @Test func writesAndReadsAtOffsets() throws {
        let file = try System.open(folder.path + "/a", [.readWrite, .create])
        try [UInt8]([1, 2, 3]).withUnsafeBytes { try System.write(file.rawValue, at: 10, $0) }
        var bytes = [UInt8](repeating: 9, count: 8)
        #expect(try bytes.withUnsafeMutableBytes { try System.read(file.rawValue, at: 9, into: $0) } == 4)
        #expect(bytes == [0, 1, 2, 3, 9, 9, 9, 9])
        let error = #expect(throws: SystemError.self) {
            _ = try bytes.withUnsafeMutableBytes { try System.read(file.rawValue, at: .max, into: $0) }
        }
        #expect(error?.errno == EOVERFLOW)
    }

    @Test func preallocationMakesTheFileLongAndLeavesHoles() throws {
        let file = try System.open(folder.path + "/a", [.readWrite, .create])
        try System.preallocate(file.rawValue, byteCount: 1 << 20)
        let status = try System.status(of: file.rawValue)
        #expect(status.byteCount == 1 << 20)
        try [UInt8](repeating: 1, count: 4096).withUnsafeBytes { try System.write(file.rawValue, at: 65536, $0) }
        let regions = try System.dataRegions(file.rawValue, byteCount: 1 << 20)
        #expect(regions.contains { $0.contains(65536) })
        #expect(regions.allSatisfy { $0.upperBound <= 1 << 20 })
    }

    @Test func aNameThatIsTakenIsNotReplaced() throws {
        let old = try folder.file("old", [1])
        let new = try folder.file("new", [2])
        let error = #expect(throws: SystemError.self) { try System.renameWithoutReplacing(new, to: old) }
        #expect(error?.errno == EEXIST)
        try System.renameWithoutReplacing(new, to: folder.path + "/free")
        #expect(try System.names(in: folder.path) == ["free", "old"])
    }

    @Test func aFileWithoutANameGetsOneInPlaceOfAnother() throws {
        let path = try folder.file("taken", [1])
        guard let file = try System.openUnnamed(in: folder.path) else { return }
        try [UInt8]([2, 3]).withUnsafeBytes { try System.write(file.rawValue, at: 0, $0) }
        #expect(try System.link(file.rawValue, to: path))
        #expect(FileManager.default.contents(atPath: path) == Data([2, 3]))
    }

    @Test func foldersAreMadeWithThoseAboveThem() throws {
        let path = folder.path + "/a/b/c/"
        try System.makeFolders(path)
        try System.makeFolders(path)
        #expect(try System.status(ofPath: path)?.isFolder == true)
        let file = try folder.file("file", [])
        #expect(throws: SystemError.self) { try System.makeFolders(file) }
        #expect(throws: SystemError.self) { try System.makeFolders(file + "/below") }
    }

    @Test func onlyOneHolderHasTheLock() throws {
        let first = try System.open(folder.path + "/lock", [.readWrite, .create])
        let second = try System.open(folder.path + "/lock", .readWrite)
        #expect(try System.lock(first.rawValue))
        #expect(try !System.lock(second.rawValue))
    }

    @Test func removingWhatIsNotThereIsFine() throws {
        try System.remove(folder.path + "/none")
        #expect(try System.freeByteCount(at: folder.path) > 0)
        #expect(try !System.exists(folder.path + "/none"))
    }

    @Test(arguments: [
        ("/a/\u{618}b", "\u{618}b", "/a"), ("\u{618}", "\u{618}", "."),
        ("/a/b", "b", "/a"), ("/a", "a", "/"), ("a", "a", "."), ("a/b/", "b", "a"), ("/", "/", "/"),
    ])
    func pathsFallIntoFolderAndName(path: String, name: String, folder: String) {
        #expect(Path.name(of: path) == name)
        #expect(Path.folder(of: path) == folder)
    }
}
