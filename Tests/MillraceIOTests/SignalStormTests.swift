import Glibc
import Synchronization
import Testing

@testable import MillraceIO

private let stormCount = Atomic(0)

/// Signals without end, whose handler makes the kernel break calls off (no SA_RESTART): each goes on where it was.
@Suite(.timeLimit(.minutes(5)), .serialized) struct SignalStormTests {
    /// Sends signals to the thread that made it, as long as it lives.
    private final class Storm {
        private final class State: Sendable {
            let isOver = Atomic(false)
        }
        private let state = State()
        private let thread: WorkerThread

        init() throws {
            stormCount.store(0, ordering: .relaxed)
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { _ in stormCount.add(1, ordering: .relaxed) }
            try #require(sigaction(SIGUSR2, &action, nil) == 0)
            // Whoever started this process may have left the signal blocked.
            var wanted = sigset_t()
            sigemptyset(&wanted)
            sigaddset(&wanted, SIGUSR2)
            try #require(pthread_sigmask(SIG_UNBLOCK, &wanted, nil) == 0)
            let target = UInt(pthread_self())
            let state = state
            thread = try WorkerThread.start(name: "storm") {
                while !state.isOver.load(ordering: .relaxed) {
                    pthread_kill(pthread_t(target), SIGUSR2)
                    usleep(20)
                }
            }
        }

        deinit {
            state.isOver.store(true, ordering: .relaxed)
            thread.join()
        }
    }

    private let folder = TemporaryFolder()

    /// Goes on until signals have come: a sanitizer holds them back until the thread makes certain calls.
    private func untilItStorms(_ body: () throws -> Void) throws {
        let storm = try Storm()
        try withExtendedLifetime(storm) {
            var rounds = 0
            while rounds == 0 || rounds < 200 && stormCount.load(ordering: .relaxed) <= 10 {
                try body()
                rounds += 1
            }
        }
        #expect(stormCount.load(ordering: .relaxed) > 10)
    }

    @Test(arguments: TransportKind.allCases) func framesLeaveAndArriveWholeInAStorm(kind: TransportKind) throws {
        var generator = SeededGenerator(state: 8)
        let content = generator.bytes(3_000_000)
        let path = try folder.file("content", content)
        let headers = (0..<30).map { _ in generator.bytes(12) }
        let expected = headers.enumerated().flatMap { $1 + content[($0 * 100_000)..<($0 * 100_000 + 100_000)] }
        try untilItStorms {
            let transport = try TransportChoice.make(kind)
            for (index, header) in headers.enumerated() {
                let offset = UInt64(index * 100_000)
                transport.enqueue(
                    header: header, payload: FilePayload(place: .path(path), offset: offset, byteCount: 100_000),
                    tag: UInt32(index))
            }
            let (received, completed) = try transport.deliver(over: try Pair(), byteCount: expected.count)
            #expect(received == expected)
            #expect(completed == Array(0..<30))
        }
    }

    @Test func filesAreWrittenAndReadWholeInAStorm() throws {
        var generator = SeededGenerator(state: 9)
        let content = generator.bytes(1 << 20)
        try untilItStorms {
            for round in 0..<20 {
                let file = try System.open(folder.path + "/file-\(round)", [.readWrite, .create])
                try content.withUnsafeBytes { try System.write(file.rawValue, at: 0, $0) }
                try System.synchronise(file.rawValue)
                var read = [UInt8](repeating: 0, count: content.count)
                let count = try read.withUnsafeMutableBytes { try System.read(file.rawValue, at: 0, into: $0) }
                #expect(count == content.count && read == content)
            }
        }
    }
}
