import Glibc
import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

@Suite struct NodeLimitsTests {
    @Test(arguments: NodeLimits.relations.map(\.name)) func theLimitsGoTogether(name: String) throws {
        #expect(try #require(NodeLimits.relations.first { $0.name == name }).holds)
    }

    @Test func fewDescriptorsMeanFewConnections() {
        #expect(DescriptorBudget.connectionCount(ofDescriptors: 0) == NodeLimits.fewestConnectionCount)
        #expect(DescriptorBudget.connectionCount(ofDescriptors: 32) == NodeLimits.fewestConnectionCount)
        #expect(DescriptorBudget.connectionCount(ofDescriptors: 1024) == (1024 - 64) / 4)
        #expect(DescriptorBudget.connectionCount(ofDescriptors: .max) == NodeLimits.connectionCount)
    }

    @Test func theProcessMayHaveAllTheDescriptorsItsHardLimitAllows() {
        let count = DescriptorLimit.raise()
        var limit = rlimit()
        #expect(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        #expect(UInt(limit.rlim_cur) == UInt(count))
        #expect(limit.rlim_cur == min(limit.rlim_max, 1 << 20))
    }

    @Test func oneAddressLeavesTheOthersTheirShare() throws {
        let census = Census(limit: 5, perAddress: 3)
        let one = SocketAddress(host: .v4(1), port: 7)
        let other = SocketAddress(host: .v4(2), port: 7)
        var places = (0..<3).map { _ in census.enter(from: one) }
        #expect(places.allSatisfy { $0 != nil })
        #expect(census.enter(from: SocketAddress(host: .v4(1), port: 8)) == nil)
        let others = (0..<2).map { _ in census.enter(from: other) }
        #expect(others.allSatisfy { $0 != nil })
        #expect(census.enter(from: other) == nil)
        places.removeLast()
        #expect(census.count == 4)
        #expect(census.enter(from: one) != nil)
        withExtendedLifetime((places, others)) {}
    }
}

@Suite struct FirstBytesTests {
    private func verdict(_ bytes: [UInt8]) -> WaitingRoom.Verdict {
        bytes.withUnsafeBytes { SocketBox.verdict(on: $0) }
    }

    @Test func aHelloIsKnownOnceItIsWholeWhateverFollows() {
        let frame = Sample.hello(.peer).frame
        for count in 1..<frame.count { #expect(verdict(Array(frame.prefix(count))) == .wait(seenByteCount: count)) }
        #expect(verdict(frame) == .hello)
        #expect(verdict(frame + [1, 2, 3]) == .hello)
    }

    @Test func othersAreKnownByTheirFirstTwelveBytes() {
        for (first, code) in [
            (Array("GET / HTTP/1.1\r\n".utf8), GoodbyeCode.unknownType),
            ([0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3, 0], .unknownType), (Message.listRequest.frame, .unexpectedMessage),
            ([0, 0, 0, 1, 16, 0, 0, 0, 0, 0, 0, 0], .unexpectedMessage),
            ([0, 0, 0, 0, 200, 0, 0, 0, 0, 0, 0, 0], .badMagic),
        ] {
            guard case .refused(code, _) = verdict(first) else {
                Issue.record("\(first) is \(verdict(first))")
                continue
            }
            #expect(verdict(Array(first.prefix(11))) == .wait(seenByteCount: 11))
        }
        #expect(verdict(Message.goodbye(.done, reason: "").frame) == .gone)
    }
}

/// Connections beyond the limits, at a node that runs.
@Suite(.timeLimit(.minutes(5))) struct ConnectionLimitTests {
    private static let hello = Message.hello(
        HelloMessage(role: .peer, swarm: .unknown, node: NodeToken(high: 1, low: 2)))

    private func withOwner(_ body: (RunningOwner) throws -> Void) throws {
        let bench = try Bench(byteCount: 300_000)
        let owner = try bench.owner { $0.peerCount = 1 }
        try body(owner)
        _ = try bench.peer("peer", of: owner.port).report()
        _ = try owner.report()
        #expect(bench.output("peer") == bench.bytes)
    }

    /// The one that has been silent longest makes room; a node that comes then is served.
    @Test func silentStrangersMakeRoom() throws {
        try withOwner { owner in
            let first = try TestLink(port: owner.port)
            try waitUntil { (try? TestLink(port: owner.port).send(bytes: [0])) != nil }
            let others = try (0..<NodeLimits.waitingCount).map { _ in try TestLink(port: owner.port) }
            #expect(try first.goodbye(withinSeconds: 5) == .tooManyConnections)
            withExtendedLifetime(others) {}
        }
    }

    @Test func strangersThatSayHelloAndNoMoreMakeRoom() throws {
        try withOwner { owner in
            let links = try (0...NodeLimits.greetingCount).map { _ in
                let link = try TestLink(port: owner.port)
                try link.send(Self.hello)
                guard try link.next(.hello) != nil else { throw TookTooLong() }
                return link
            }
            #expect(try links[0].goodbye(withinSeconds: 5) == .tooManyConnections)
        }
    }

    @Test func connectionsFromOneAddressHaveABound() throws {
        try withOwner { owner in
            var members: [TestLink] = []
            var refused: GoodbyeCode?
            for index in 0...NodeLimits.connectionCountPerAddress {
                let link = try TestLink(port: owner.port)
                let token = NodeToken(high: 7, low: UInt64(index) + 1)
                try link.send(.hello(HelloMessage(role: .peer, swarm: .unknown, node: token)))
                switch try link.receive() {
                case .message(.hello): try link.send(.join(JoinMessage(listenPort: 9)))
                case .message(.goodbye(let code, _)): refused = code
                case let other: Issue.record("\(other)")
                }
                if refused != nil { break }
                guard try link.next(.welcome) != nil else { throw TookTooLong() }
                members.append(link)
            }
            #expect(refused == .tooManyConnections)
            #expect(members.count == NodeLimits.connectionCountPerAddress)
            for member in members { try member.send(.goodbye(.done, reason: "")) }
            try waitUntil { owner.node.state.withLock { state in state.members.allSatisfy { $0.link == nil } } }
        }
    }

    /// Bytes of a hello one by one, each in a packet of its own, are a hello.
    @Test func aHelloInSingleBytesIsAHello() throws {
        try withOwner { owner in
            let link = try TestLink(port: owner.port)
            for byte in Self.hello.frame { try link.send(bytes: [byte]) }
            #expect(try link.next(.hello) != nil)
        }
    }

    /// Many that come and go at once cost no memory that stays.
    @Test func strangersByTheThousandCostNoMemoryThatStays() throws {
        try withOwner { owner in
            let junk = [Array("GET / HTTP/1.1\r\n\r\n".utf8), [0x16, 3, 1], [], Self.hello.frame, someBytes(300)]
            func visit(_ count: Int) throws {
                var links: [TestLink] = []
                for index in 0..<count {
                    let link = try TestLink(port: owner.port)
                    try? link.send(bytes: junk[index % junk.count])
                    links.append(link)
                    if links.count == 100 { links.removeFirst(50) }
                }
            }
            try visit(200)
            let before = try residentByteCount()
            try visit(2000)
            #expect(try residentByteCount() < before + 24 << 20)
        }
    }

    private func residentByteCount() throws -> Int {
        let text = String(decoding: try #require(Scratch.read("/proc/self/statm")), as: UTF8.self)
        return try #require(Int(text.split(separator: " ")[1])) * 4096
    }
}
