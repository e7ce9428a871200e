import Glibc
import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// Sources for which a node has no means at the moment.
@Suite(.timeLimit(.minutes(5)), .serialized) struct SourceShortageTests {
    /// Runs `body` while the process gets no new descriptor.
    private func withoutDescriptors(_ body: () throws -> Void) throws {
        var limit = rlimit()
        try #require(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        var none = rlimit(rlim_cur: 0, rlim_max: limit.rlim_max)
        try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &none) == 0)
        defer { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
        try body()
    }

    @Test func `a source without a descriptor is tried again`() throws {
        let bench = try Bench(byteCount: 2500)
        let node = try PeerNode(try bench.peerOptions("peer", of: 9))
        let handler = OwnerLinkHandler(node: node, link: try Link(), neighbour: .none)
        let addresses = try [9, TestListener().port].map { PeerAddress(host: .v4(0x7F00_0001), port: $0) }
        let entries = addresses.enumerated().map { RosterEntry(peer: PeerIndex($0), address: $1) }
        try handler.received([
            Sample.hello(.owner), .welcome(WelcomeMessage(peer: 0, layout: Sample.layout, name: "file.bin")),
        ])
        try withoutDescriptors {
            try handler.received([.roster(RosterMessage(start: 0, total: 2, entries: entries))])
        }
        let due = try #require(node.state.withLock { $0.sources.isEmpty ? $0.sourcesTriedAgainAt : nil })
        node.trySourcesAgain(now: due - 1)
        #expect(node.state.withLock { $0.sources.isEmpty })
        node.trySourcesAgain(now: due)
        #expect(node.state.withLock { $0.sources.map(\.peer) } == [1])
        #expect(node.state.withLock { $0.sourcesTriedAgainAt } == nil)
        node.state.withLock { state in
            state.phase = .leaving
            for source in state.sources { source.link.wake.signal() }
        }
    }
}
