import MillraceWire
import Testing

@testable import MillraceSwarm

/// What fuzzing found wrong in the owner's books.
@Suite struct OwnerBookTests {
    /// It was passed on by somebody who never seemed to have it, and preferred for that.
    @Test func `a rescued chunk that nobody was granted counts as not replicated`() {
        var bench = OwnerBench(chunks: 4, peers: 2)
        #expect(bench.rescue(0, 0, from: nil) == [.send(0, 0)])
        #expect(bench.policy.members[0]?.unreplicated == 1)
        bench.holds(1, 0)
        #expect(bench.policy.members[0]?.unreplicated == 0)
    }
}
