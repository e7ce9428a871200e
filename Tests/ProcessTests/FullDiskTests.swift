import Foundation
import Testing

/// Disks that are full, for real: exit code 9 and a state from which the same command goes on.
@Suite(.timeLimit(.minutes(5)), .enabled(if: geteuid() == 0, "mounting a file system takes root"))
struct FullDiskTests {
    private static let pageByteCount = 4096
    private static let chunkCount = 12
    /// The suite does a sample, `FULL_DISKS=all` every chunk.
    private static let sample =
        ProcessInfo.processInfo.environment["FULL_DISKS"] == "all" ? Array(0..<chunkCount) : [0, 5, 11]

    /// A file system of its own at a folder of the ground.
    private func mount(_ options: String, at disk: String) throws {
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        try #require(Ground.run("mount", "-t", "tmpfs", "-o", options, "small", disk) == 0)
    }

    /// A file system with too few inodes for all chunk files is full at a chunk of our choice, for real.
    @Test func tooFewInodesForTheChunkFilesAre9AndTheNextRunGoesOn() throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 12 * 1024)
        let disk = ground.path + "/disk"
        for inodeCount in stride(from: 8, through: 18, by: 1) {
            try mount("size=8m,nr_inodes=\(inodeCount)", at: disk)
            defer { Ground.run("umount", disk) }
            let ports = try FreePort.take(2)
            let owner = try ground.start(
                "owner", "owner \(ports[0]) data.bin --chunk-size 1KiB --peers 1 --store flat --timeout 20 -q")
            let command = "peer \(ports[0]) \(ports[1]) --dir disk/peer --timeout 20 -q"
            let peer = try ground.start("peer", command)
            #expect(try peer.wait() == 9, "\(inodeCount) inodes: \(peer.errors)")
            #expect(ground.data("disk/peer/data.bin") == nil)
            try #require(Ground.run("mount", "-o", "remount,nr_inodes=100", disk) == 0)
            let again = try ground.start("again", command)
            #expect(try again.wait() == 0, "\(inodeCount) inodes: \(again.errors)")
            #expect(ground.data("disk/peer/data.bin") == bytes)
            #expect(try owner.wait() == 0)
        }
    }

    /// A flat file that had room when the peer came: somebody else fills the disk, but for so many pages, while it is
    /// fetched at a rate that leaves time for it.
    @Test(arguments: sample) func aDiskThatFillsUpAtAnyChunkOfAFlatFileIs9AndTheNextRunGoesOn(pages: Int) throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: Self.chunkCount * Self.pageByteCount)
        let disk = ground.path + "/disk"
        try mount("size=1m", at: disk)
        defer { Ground.run("umount", disk) }
        let ports = try FreePort.take(2)
        let owner = try ground.start(
            "owner",
            "owner \(ports[0]) data.bin --chunk-size 4KiB --peers 1 --store flat --rate-limit 40KB --timeout 30 -q")
        let command = "peer \(ports[0]) \(ports[1]) --dir disk/peer --store flat --timeout 30 -q"
        let peer = try ground.start("peer", command)
        try waitUntil { ground.data("disk/peer/data.bin.part") != nil }
        try fill(disk, but: pages)
        #expect(try peer.wait() == 9, "\(pages) pages: \(peer.errors)")
        #expect(peer.errors.contains("millrace: "))
        #expect(ground.data("disk/peer/data.bin") == nil)
        try FileManager.default.removeItem(atPath: disk + "/ballast")
        let again = try ground.start("again", command)
        #expect(try again.wait() == 0, "\(pages) pages: \(again.errors)")
        #expect(ground.data("disk/peer/data.bin") == bytes)
        #expect(try owner.wait() == 0)
    }

    /// Where chunk files share the blocks of the source, less free space than the file has is enough for an owner.
    @Test(.enabled(if: hasXFS, "mkfs.xfs is missing, or the kernel has no XFS"))
    func anOwnerThatClonesNeedsNoSpaceForItsChunkFiles() throws {
        let ground = try Ground()
        let disk = ground.path + "/disk"
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        try ground.file("image", byteCount: 0)
        try #require(truncate(ground.path + "/image", 320 << 20) == 0)
        try #require(Ground.run("mkfs.xfs", "-q", ground.path + "/image") == 0)
        try #require(Ground.run("mount", "-o", "loop", ground.path + "/image", disk) == 0)
        defer { Ground.run("umount", disk) }
        let bytes = try ground.file("disk/data.bin", byteCount: 2 << 20)
        try fill(disk, but: 256)
        let ports = try FreePort.take(2)
        let command = "owner \(ports[0]) disk/data.bin --dir disk/owner --peers 1 --timeout 30 -q"
        let owner = try ground.start("owner", command)
        let peer = try ground.start("peer", "peer \(ports[0]) \(ports[1]) --timeout 30 -q")
        #expect(try owner.wait() == 0, "\(owner.errors)")
        #expect(try peer.wait() == 0)
        #expect(ground.chunkFiles("disk/owner").count == 21)
        #expect(ground.data("peer-\(ports[1])/data.bin") == bytes)
    }

    private static let hasXFS: Bool = {
        let systems = (try? String(contentsOfFile: "/proc/filesystems", encoding: .utf8)) ?? ""
        return systems.contains("\txfs\n") && Ground.run("mkfs.xfs", "-V") == 0
    }()

    /// Takes all pages of a file system but so many.
    private func fill(_ disk: String, but spare: Int) throws {
        let ballast = open(disk + "/ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(ballast >= 0)
        defer { close(ballast) }
        let page = [UInt8](repeating: 1, count: Self.pageByteCount)
        while true {
            var status = statvfs()
            try #require(statvfs(disk, &status) == 0)
            guard Int(status.f_bavail) > spare else { return }
            _ = page.withUnsafeBytes { write(ballast, $0.baseAddress, $0.count) }
        }
    }
}
