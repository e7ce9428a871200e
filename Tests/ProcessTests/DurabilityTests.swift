import Foundation
import Testing

/// What a peer brings to the disk, and when: seen from outside, by its calls.
@Suite(.timeLimit(.minutes(3)), .enabled(if: Tracer.works, "strace is missing, or may trace nothing here"))
struct DurabilityTests {
    private static let calls = "fsync,fadvise64,rename,renameat2,link,unlink"

    /// A peer to its end, with an owner beside it; its calls, each with the file's name for a descriptor.
    private func fetch(
        _ ground: Ground, _ store: String = "flat", injections: [String] = []
    ) throws -> (code: Int32, calls: [Substring], errors: String) {
        let ports = try FreePort.take(2)
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --store flat --dir owner --timeout 20 -q")
        let tracer = Tracer.calls(Self.calls, injections, in: "\(ground.path)/calls")
        let peer = try ground.start(
            "peer", "peer \(ports[0]) \(ports[1]) --dir peer --output out --store \(store) --linger 0 -q",
            under: tracer)
        let code = try peer.wait()
        owner.signal(SIGTERM)
        try owner.wait()
        let text = String(decoding: ground.data("calls") ?? Data(), as: UTF8.self)
        return (code, text.split(separator: "\n"), peer.errors)
    }

    /// After a failed fsync(2) the pages are clean, and the next fsync says that all is well.
    @Test(arguments: ["flat", "chunks"]) func whatTheDiskDidNotTakeIsNotReadFromMemory(store: String) throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 300_000)
        let failed = try fetch(ground, store, injections: ["fsync:error=EIO:when=1"])
        #expect(failed.code == 8, "\(failed.errors)")
        let sync = try #require(failed.calls.firstIndex { $0.contains("fsync(") && $0.contains("out.part") })
        #expect(failed.calls[(sync + 1)...].contains { $0.contains("out.part") && $0.contains("POSIX_FADV_DONTNEED") })
        #expect(ground.data("out") == nil)
        #expect(try fetch(ground, store).code == 0)
        #expect(ground.data("out") == bytes)
    }

    /// File systems of FUSE and of virtual machines know neither a rename that replaces nothing nor hard links.
    @Test(arguments: ["EPERM", "ENOSYS", "EOPNOTSUPP"]) func whereNamesCanOnlyBeReplacedTheFileGetsItsName(
        code: String
    ) throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 300_000)
        let injections = ["renameat2:error=EINVAL", "link:error=\(code)"]
        let peer = try fetch(ground, injections: injections)
        #expect(peer.code == 0, "\(peer.errors)")
        #expect(ground.data("out") == bytes && ground.data("out.part") == nil)
        try ground.file("identity", byteCount: 30)
        let notes = try #require(ground.data("identity"))
        for name in ["identity.txt", "identity.txt.unreadable"] {
            try notes.write(to: URL(fileURLWithPath: "\(ground.path)/peer/\(name)"))
        }
        #expect(try fetch(ground, injections: injections).code == 0)
        #expect(ground.names("peer").contains("identity.txt.unreadable.2"))
    }

    /// A file whose summary does not know it is somebody else's, and the same command would end with 11.
    @Test func theSummaryIsOnDiskBeforeTheFileHasItsName() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 300_000)
        let peer = try fetch(ground)
        #expect(peer.code == 0, "\(peer.errors)")
        let calls = peer.calls[(peer.calls.lastIndex { $0.contains("fsync(") && $0.contains("out.part") } ?? 0)...]
        let wanted = [
            ("fsync(", "out.part>"), ("fsync(", "/peer/summary.txt.new>"), ("rename(", "summary.txt.new"),
            ("fsync(", "/peer>"), ("renameat2(", "out.part"), ("fsync(", "\(ground.path)>"),
        ]
        let places = wanted.map { call in calls.firstIndex { $0.contains(call.0) && $0.contains(call.1) } ?? -1 }
        #expect(places == places.sorted() && Set(places).count == wanted.count && places[0] >= 0, "\(calls)")
    }
}
