import Foundation
import Testing

/// What a node tells the service manager that started it (sd_notify(3)).
@Suite(.timeLimit(.minutes(5))) struct ServiceManagerTests {
    /// The manager's end: a socket for datagrams.
    private final class Manager: Sendable {
        let descriptor: CInt

        init(path: String) throws {
            descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array(path.utf8)
            withUnsafeMutableBytes(of: &address.sun_path) { target in
                target.copyBytes(from: bytes)
                if bytes.first == UInt8(ascii: "@") { target[0] = 0 }
            }
            let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, path.hasPrefix("@") ? length : socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try #require(result == 0)
        }

        deinit { close(descriptor) }

        /// What has come so far, each datagram a text.
        func take() -> [String] {
            var texts: [String] = []
            var bytes = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = recv(descriptor, &bytes, bytes.count, CInt(MSG_DONTWAIT))
                guard count > 0 else { return texts }
                texts.append(String(decoding: bytes[..<count], as: UTF8.self))
            }
        }
    }

    @Test(arguments: [false, true]) func readinessStatusAndEndAreTold(isAbstract: Bool) throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 300_000)
        let path = isAbstract ? "@millrace-\(UUID().uuidString)" : "\(ground.path)/manager"
        let manager = try Manager(path: path)
        let environment = ["NOTIFY_SOCKET": path]
        let ports = try FreePort.take(2)
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --peers 1", environment: environment)
        var told: [String] = []
        try waitUntil {
            told += manager.take()
            return told.contains("READY=1")
        }
        let peer = try ground.start("peer", "peer \(ports[0]) \(ports[1])", environment: environment)
        #expect(try owner.wait() == 0)
        #expect(try peer.wait() == 0)
        told += manager.take()
        #expect(told.filter { $0 == "READY=1" }.count == 2)
        #expect(told.contains { $0.hasPrefix("STATUS=serving data.bin, ") })
        #expect(told.contains { $0.hasPrefix("STATUS=waiting for the owner at \(ports[0])") })
        #expect(told.filter { $0 == "STOPPING=1\nSTATUS=done" }.count == 2)
    }

    /// What has happened since is told though nothing else happens.
    @Test func theLastStatusIsTheOneThatHolds() throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 300_000)
        let (ofOwner, ofPeer) = (try Manager(path: "\(ground.path)/1"), try Manager(path: "\(ground.path)/2"))
        let ports = try FreePort.take(2)
        let owner = try ground.start(
            "owner", "owner \(ports[0]) data.bin --peers 2", environment: ["NOTIFY_SOCKET": "\(ground.path)/1"])
        let peer = try ground.start(
            "peer", "peer \(ports[0]) \(ports[1])", environment: ["NOTIFY_SOCKET": "\(ground.path)/2"])
        var (ownerSaid, peerSaid) = ("", "")
        try waitUntil {
            ownerSaid = ofOwner.take().last ?? ownerSaid
            peerSaid = ofPeer.take().last ?? peerSaid
            return ownerSaid == "STATUS=serving data.bin, 1 peer here, 1 has the file"
                && peerSaid == "STATUS=complete and verified, serving others"
        }
        for node in [owner, peer] { node.signal(SIGTERM) }
        _ = try (owner.wait(), peer.wait())
    }

    @Test(arguments: ["", "nonsense", "/nowhere/at/all"]) func aManagerThatIsNotThereIsNoMatter(path: String) throws {
        let ground = try Ground()
        try ground.file("data.bin", byteCount: 10)
        let ports = try FreePort.take(2)
        let environment = ["NOTIFY_SOCKET": path]
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --peers 1", environment: environment)
        let peer = try ground.start("peer", "peer \(ports[0]) \(ports[1])", environment: environment)
        #expect(try owner.wait() == 0)
        #expect(try peer.wait() == 0)
    }
}
