import Foundation
import MillraceIO
import MillraceStore
import MillraceWire
import Testing

@testable import MillraceNode

@Suite struct EndpointTests {
    @Test(arguments: [
        ("9000", nil, 9000), ("1", nil, 1), ("65535", nil, 65535), ("localhost:9000", "localhost", 9000),
        ("192.0.2.7:80", "192.0.2.7", 80), ("[::1]:9000", "::1", 9000), ("[fe80::1%eth0]:9000", "fe80::1%eth0", 9000),
        ("host.example:9000", "host.example", 9000),
    ] as [(String, String?, UInt16)])
    func aPortOrAHostAndPortIsRead(text: String, host: String?, port: UInt16) throws {
        let endpoint = try #require(Endpoint(text))
        #expect(endpoint == Endpoint(host: host, port: port))
        #expect(endpoint.description == text)
    }

    @Test(arguments: [
        "", " ", "0", "65536", "-1", "+1", "9000 ", " 9000", "nine", "9000.5", "host:", ":9000", "host:0", "host:65536",
        "[[]]:5", "host:-1", "[]:9000",
        "[::1]", "::1:9000", "[::1:9000", "::1]:9000", "a:b:9000", "٩٠٠٠", "1e3", "0x10",
    ])
    func anythingElseIsRefused(text: String) {
        #expect(Endpoint(text) == nil)
    }
}

@Suite struct PeerAddressTests {
    private let lan = PeerAddress(host: .v4(0xC000_0207), port: 9001)

    @Test func loopbackSaidFromElsewhereIsTheSpeakersMachine() {
        let said = PeerAddress(host: .v4(0x7F00_0001), port: 9002)
        #expect(said.normalised(saidBy: lan) == PeerAddress(host: lan.host, port: 9002))
        let v6 = PeerAddress(host: .v6(high: 0, low: 1), port: 9002)
        #expect(v6.normalised(saidBy: lan) == PeerAddress(host: lan.host, port: 9002))
    }

    @Test func loopbackSaidFromTheOwnersMachineIsTheOwnersHost() {
        let observed = PeerAddress(host: .v6(high: 0, low: 1), port: 50_000)
        for host in [PeerAddress.Host.v4(0x7F00_0001), .v4(0x7F01_0203), .v6(high: 0, low: 1)] {
            let said = PeerAddress(host: host, port: 9002)
            #expect(said.normalised(saidBy: observed) == PeerAddress(host: .ownersHost, port: 9002))
        }
    }

    @Test func otherAddressesStayAsTheyAre() {
        let observed = PeerAddress(host: .v4(0x7F00_0001), port: 50_000)
        for address in [lan, .none, PeerAddress(host: .ownersHost, port: 1)] {
            #expect(address.normalised(saidBy: observed) == address)
        }
    }

    @Test func socketAddressesGoOverTheWireAndBack() {
        let v4 = SocketAddress(host: .v4(0xC000_0207), port: 9001)
        let v6 = SocketAddress(host: .v6(high: 0x2001_0DB8 << 32, low: 7, scope: 0), port: 9001)
        for address in [v4, v6] {
            #expect(SocketAddress(PeerAddress(address), owner: nil) == address)
            #expect(PeerAddress(address, port: 7).port == 7)
        }
    }

    @Test func theOwnersHostIsKnownOnceTheOwnerIs() {
        let entry = PeerAddress(host: .ownersHost, port: 9001)
        #expect(SocketAddress(entry, owner: nil) == nil)
        let owner = SocketAddress(host: .v4(0xC000_0207), port: 9000)
        #expect(SocketAddress(entry, owner: owner) == SocketAddress(host: owner.host, port: 9001))
        #expect(SocketAddress(PeerAddress.none, owner: owner) == nil)
    }
}

@Suite struct NodeFailureTests {
    @Test func theExitCodesAreThoseOfTheManual() {
        let codes: [(ExitCode, Int32)] = [
            (.done, 0), (.protocolFault, 2), (.network, 3), (.sourcesLost, 4), (.noProgress, 5), (.integrity, 6),
            (.interrupted, 7), (.fileFault, 8), (.noSpace, 9), (.authentication, 10), (.outputExists, 11), (.usage, 64),
        ]
        #expect(codes.map(\.0) == ExitCode.allCases)
        for (code, number) in codes { #expect(code.rawValue == number) }
    }

    @Test(arguments: ["README.md", "Documentation/exit-codes.md"]) func everyExitCodeIsDocumented(path: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let text = try String(contentsOf: root.appending(path: path), encoding: .utf8)
        for code in ExitCode.allCases where code != .authentication || path != "README.md" {
            #expect(text.contains("\n| \(code.rawValue) | "), "\(code)")
        }
    }

    @Test func whatFailsOnAnAddressSaysWhatToDo() {
        let endpoint = Endpoint(host: "10.0.0.1", port: 9000)
        let cases: [(CInt, String)] = [
            (111, "no owner listens at 10.0.0.1:9000 yet"), (113, "no way to 10.0.0.1:9000"), (101, "no way to"),
            (110, "check that the machine is up"), (104, "does not answer"),
        ]
        for (code, text) in cases {
            let failure = NodeFailure(owner: endpoint, SystemError(call: "connect", errno: code))
            #expect(failure.code == .network && failure.text.contains(text), "\(failure.text)")
        }
        for (code, text) in [(98, "port 9000 is taken"), (13, "choose one from 1024 on"), (99, "no address of this")] {
            let failure = NodeFailure(listeningOn: endpoint, SystemError(call: "bind", errno: CInt(code)))
            #expect(failure.code == .network && failure.text.contains(text), "\(failure.text)")
        }
    }

    @Test func everyFileFaultHasItsExitCodeAndOneLine() {
        let faults: [(StoreError, ExitCode)] = [
            (.system(SystemError(call: "open", errno: 13, subject: "/x")), .fileFault),
            (.system(SystemError(call: "write", errno: 28, subject: "/x")), .noSpace),
            (.noSpace(path: "/x", neededByteCount: 7), .noSpace), (.outputExists("/x"), .outputExists),
            (.notVerified(7), .integrity), (.foreignFolder(path: "/x", holds: "y"), .fileFault),
            (.outputInUse("/x"), .fileFault), (.partReplaced("/x"), .fileFault), (.foreignPart("/x"), .outputExists),
            (.outputChanged("/x"), .outputExists), (.badSourceName("\n"), .fileFault),
            (.tooManyChunks(path: "/x", chunkByteCount: 1024), .fileFault),
            (.badName("\n"), .fileFault), (.sourceChanged("/x"), .fileFault), (.sourceNotAFile("/x"), .fileFault),
        ]
        for (fault, code) in faults {
            let failure = NodeFailure(fault)
            #expect(failure.code == code)
            #expect(!failure.text.isEmpty && !failure.text.contains("\n"))
            #expect("\(failure)" == failure.text)
        }
        #expect(NodeFailure(network: SystemError(call: "bind", errno: 98)).code == .network)
    }
}
