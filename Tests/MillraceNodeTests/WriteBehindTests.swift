import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

@Suite(.timeLimit(.minutes(5))) struct WriteBehindTests {
    private let pool = BufferPool(byteCount: 64, keep: 4)

    private func job(_ chunk: ChunkID) -> WriteBehind.Job {
        let buffer = pool.take()
        buffer.bytes[0] = UInt8(truncatingIfNeeded: chunk)
        let header = FrameHeader(type: .grant, chunk: chunk, payloadByteCount: 64)
        return WriteBehind.Job(header: header, buffer: buffer, began: 1, arrived: 2)
    }

    /// Adds a chunk once there is room.
    private func add(_ chunk: ChunkID, to writer: WriteBehind) {
        while !writer.hasRoom { writer.drain() }
        writer.add(job(chunk))
    }

    @Test func chunksAreStoredInTheirOrderAllOfThem() throws {
        let stored = Lock<[ChunkID]>([])
        let writer = try WriteBehind.start(pool) { job in
            let (chunk, byte) = (job.header.chunk, job.buffer.bytes[0])
            if byte == UInt8(truncatingIfNeeded: chunk) { stored.withLock { $0.append(chunk) } }
        }
        for chunk in 0..<1000 as Range<ChunkID> { add(chunk, to: writer) }
        writer.stop()
        #expect(stored.withLock { $0 } == Array(0..<1000))
        #expect(!writer.hasRoom)
    }

    @Test func twoWaitAndNoMore() throws {
        let (hold, begun) = (try WakeUp(), try WakeUp())
        let isHeld = Lock(true)
        let deadline = MonotonicClock.nowNanoseconds + 20_000_000_000
        func wait(for wake: WakeUp) throws {
            _ = try WaitPoint.wait(
                socket: -1, forReading: false, forWriting: false, wake: wake, untilNanoseconds: deadline)
        }
        let writer = try WriteBehind.start(pool) { _ in
            begun.signal()
            while isHeld.withLock({ $0 }), MonotonicClock.nowNanoseconds < deadline {
                _ = try? WaitPoint.wait(
                    socket: -1, forReading: false, forWriting: false, wake: hold, untilNanoseconds: deadline)
            }
        }
        writer.add(job(0))
        try wait(for: begun)
        for chunk in 1...2 as ClosedRange<ChunkID> {
            #expect(writer.hasRoom)
            writer.add(job(chunk))
        }
        #expect(!writer.hasRoom)
        isHeld.withLock { $0 = false }
        hold.signal()
        writer.drain()
        #expect(writer.hasRoom)
        writer.stop()
    }

    @Test func drainReturnsOnceAllIsStored() throws {
        let count = Lock(0)
        let writer = try WriteBehind.start(pool) { _ in count.withLock { $0 += 1 } }
        writer.drain()
        for round in 1...100 {
            add(ChunkID(2 * round), to: writer)
            add(ChunkID(2 * round + 1), to: writer)
            writer.drain()
            #expect(count.withLock { $0 } == 2 * round)
        }
        writer.stop()
    }
}
