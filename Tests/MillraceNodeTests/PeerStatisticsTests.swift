import Testing

@testable import MillraceNode

@Suite struct PeerStatisticsTests {
    @Test func eachSourceIsToldOfOnceForEachReason() {
        var statistics = PeerStatistics()
        statistics.badChunks = [5]
        statistics.fellSilent(3)
        statistics.fellSilent(3)
        statistics.replaced(4)
        statistics.replaced(5)
        statistics.replaced(3)
        statistics.gaveLittle(6)
        #expect(statistics.replacedSources.map(\.peer) == [3, 4, 5, 3, 6])
        #expect(statistics.replacedSources.map(\.reason) == [
            "it said nothing for a while, and another was asked beside it", "the ring gives this peer others now",
            "it sent a bad chunk", "the ring gives this peer others now",
            "it gave little, and another was asked beside it",
        ])
    }

    @Test func noMoreAreKeptThanAReportIsToShow() {
        var statistics = PeerStatistics()
        for peer in 0..<UInt32(2 * NodeLimits.lostSourceCount) { statistics.fellSilent(peer) }
        #expect(statistics.replacedSources.count == NodeLimits.lostSourceCount)
    }
}
