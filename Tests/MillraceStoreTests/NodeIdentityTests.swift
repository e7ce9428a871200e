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
