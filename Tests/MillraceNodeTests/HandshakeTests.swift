import MillraceWire
import Testing

@testable import MillraceNode

/// How many round trips pass before chunks come: each waits behind what a busy uplink has in its queue.
@Suite(.timeLimit(.minutes(5))) struct HandshakeTests {
    @Test func aPeerSaysAllItCanBeforeItIsAnswered() throws {
        let (owner, source) = (try ScriptedOwner(), try ScriptedSource())
        let bench = try Bench(byteCount: 1)
        let peer = try bench.peer("peer", of: owner.port)
        let (link, join) = try owner.meet()
        try owner.welcome(link, join, source: source.port)
        let asking = try source.meet()
        #expect(try asking.next(.introduce) == .introduce(peer: 0))
        #expect(try asking.next(.listRequest) == .listRequest)
        #expect(try asking.next(.list) == .list(ChunkIDList.encode(ChunkSet(chunkCount: 3))))
        try asking.send(source.hello(owner.swarm), .introduce(peer: 1), .list(ChunkIDList.encode(.all(of: 3))))
        #expect(try asking.next(.request) != nil)
        asking.close()
        try owner.serve(link)
        link.close()
        #expect(try peer.report().contentID == owner.contentID)
    }
}
