import Dispatch
import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

@Suite(.timeLimit(.minutes(5))) struct LinkTests {
    @Test func aLinkWithMailDoesNotPark() throws {
        let link = try Link()
        #expect(!link.post(.listRequest))
        #expect(!link.park(waitsForNews: false))
        #expect(link.take().control == Message.listRequest.frame)
        #expect(link.park(waitsForNews: false))
    }

    @Test func aParkedLinkIsWokenOnce() throws {
        let link = try Link()
        #expect(link.park(waitsForNews: false))
        #expect(link.post(.listRequest))
        #expect(!link.post(.finished))
        link.unpark()
        #expect(link.take().control == Message.listRequest.frame + Message.finished.frame)
    }

    @Test func theFirstGoodbyeStays() throws {
        let link = try Link()
        _ = link.post(goodbye: .leaving, "one")
        _ = link.post(goodbye: .done, "two")
        #expect(link.take().goodbye?.code == .leaving)
        #expect(link.take().goodbye == nil)
    }

    @Test func newsWakesAParkedLinkOnce() throws {
        let link = try Link()
        link.looksForNews()
        #expect(link.park(waitsForNews: true))
        #expect(link.takesNews())
        #expect(!link.takesNews())
    }

    @Test func newsWakesNoLinkThatHasADeadlineForIt() throws {
        let link = try Link()
        link.looksForNews()
        #expect(link.park(waitsForNews: false))
        #expect(!link.takesNews())
    }

    @Test func newsBetweenTheLookAndTheWaitKeepsTheLinkAwake() throws {
        let link = try Link()
        link.looksForNews()
        #expect(!link.takesNews())
        #expect(!link.park(waitsForNews: true))
        link.looksForNews()
        #expect(link.park(waitsForNews: true))
    }

    /// Four threads post, one parks: each post is seen although the one waits without a deadline of its own.
    @Test func noPostIsLostHoweverTheThreadsMeet() throws {
        let link = try Link()
        let (threadCount, postCount) = (4, 20_000)
        let posters = try (0..<threadCount).map { _ in
            try Running {
                for chunk in 0..<postCount {
                    let order = Link.ChunkOrder(chunk: ChunkID(chunk), type: .chunk)
                    if link.post({ $0.chunks.append(order) }) { link.wake.signal() }
                }
            }
        }
        let reader = try Running {
            var count = 0
            while count < threadCount * postCount {
                count += link.take().chunks.count
                guard count < threadCount * postCount, link.park(waitsForNews: false) else { continue }
                let ready = try LinkTests.wait(link)
                link.unpark()
                guard ready else { return count }
            }
            return count
        }
        #expect(try reader.value() == threadCount * postCount)
        for poster in posters { try poster.value() }
    }

    /// The same for news, which is no mail: a number that others count up.
    @Test func noNewsIsLostHoweverTheThreadsMeet() throws {
        let link = try Link()
        let (threadCount, newsCount) = (4, 20_000)
        let number = Lock(0)
        let tellers = try (0..<threadCount).map { _ in
            try Running {
                for _ in 0..<newsCount {
                    number.withLock { $0 += 1 }
                    if link.takesNews() { link.wake.signal() }
                }
            }
        }
        let reader = try Running {
            while true {
                link.looksForNews()
                let seen = number.withLock { $0 }
                guard seen < threadCount * newsCount else { return seen }
                guard link.park(waitsForNews: true) else { continue }
                let ready = try LinkTests.wait(link)
                link.unpark()
                guard ready else { return seen }
            }
        }
        #expect(try reader.value() == threadCount * newsCount)
        for teller in tellers { try teller.value() }
    }

    /// False when nobody wakes the link in time: that is the lost wake-up.
    private static func wait(_ link: Link) throws -> Bool {
        let ready = try WaitPoint.wait(
            socket: -1, forReading: false, forWriting: false, wake: link.wake,
            untilNanoseconds: MonotonicClock.nowNanoseconds + 10_000_000_000)
        return !ready.isEmpty
    }
}
