import Foundation
import MillraceIO
import MillraceWire
import Testing

@testable import MillraceStore

@Suite struct NodeIdentityTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path + "/node" }
    private var file: String { path + "/identity.txt" }

    private func token() throws -> NodeToken { try NodeIdentity.token(in: FolderLock(path: path)) }

    @Test func aNodeThatIsStartedAgainIsTheSame() throws {
        let first = try token()
        #expect(first != .unknown)
        #expect(try token() == first)
    }

    @Test func anIdentityThatIsTornForeignOrEmptyIsMadeAnew() throws {
        let first = try token()
        let whole = try #require(contents(file))
        var other = whole
        other[25] ^= 1
        let noise = [UInt8](repeating: 255, count: 90)
        for bytes in [[], Array(whole.dropLast(1)), Array(whole.prefix(30)), other, noise] {
            let handle = try #require(FileHandle(forWritingAtPath: file))
            try handle.truncate(atOffset: 0)
            try handle.write(contentsOf: Data(bytes))
            try handle.close()
            let second = try token()
            #expect(second != first && second != .unknown)
            #expect(try token() == second)
        }
    }

    /// Somebody's own, which happens to have the name.
    @Test func aForeignFileInItsPlaceKeepsItsBytes() throws {
        let notes = [[UInt8]("me: 4711\n".utf8), [UInt8](repeating: 7, count: 5000)]
        for bytes in notes {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(fileURLWithPath: file))
            let first = try token()
            #expect(try token() == first)
        }
        #expect(contents(file + ".unreadable") == notes[0])
        #expect(contents(file + ".unreadable.2") == notes[1])
        #expect(names(path) == ["identity.txt", "identity.txt.unreadable", "identity.txt.unreadable.2", "lock"])
    }

    @Test func aTornIdentityIsNotKept() throws {
        _ = try token()
        let whole = try #require(contents(file))
        for count in [1, 18, 19, 40] {
            try Data(whole.prefix(count)).write(to: URL(fileURLWithPath: file))
            _ = try token()
        }
        #expect(names(path) == ["identity.txt", "lock"])
    }

    /// Two peers that say the same token would throw each other out for ever.
    @Test func aCopyOfAFolderIsAnotherNode() throws {
        let first = try token()
        try FileManager.default.copyItem(atPath: path, toPath: folder.path + "/copy")
        let copy = try NodeIdentity.token(in: FolderLock(path: folder.path + "/copy"))
        #expect(copy != first)
        #expect(try token() == first)
    }

    @Test func aFolderBelongsToOneNodeAtATime() throws {
        let lock = try FolderLock(path: path)
        #expect(throws: StoreError.self) { _ = try FolderLock(path: path) }
        withExtendedLifetime(lock) {}
    }

    @Test func aRenewedIdentityIsKept() throws {
        let first = try token()
        let renewed = try NodeIdentity.renew(in: FolderLock(path: path))
        #expect(renewed != first)
        #expect(try token() == renewed)
    }
}
