import MillraceIO
import MillraceWire
import Testing

@testable import MillraceNode

/// What comes out of a receiver when frames come in, in whatever pieces.
@Suite(.timeLimit(.minutes(5))) struct FrameReceiverTests {
    enum Heard: Equatable {
        case message(MessageType)
        case chunk(ChunkID, isGenuine: Bool, isWhole: Bool)
        case discarded(ChunkID)
        case closed
    }

    /// A receiver and the other end of its connection.
    private final class Ground {
        let near: Socket
        let far: Socket
        var receiver = FrameReceiver()
        let pool: BufferPool
        var discards: Set<ChunkID> = []
        var wrong: Set<ChunkID> = []
        /// A chunk that was taken is read past when it comes again.
        var refusesTwice = false

        init(chunkByteCount: Int) throws {
            let listener = try Listener(host: "127.0.0.1", port: 0)
            let address = SocketAddress(host: .v4(0x7F00_0001), port: listener.port)
            near = try Socket.connect(to: address, timeoutNanoseconds: 10_000_000_000, wake: nil)
            pool = BufferPool(byteCount: chunkByteCount, keep: 4)
            _ = try WaitPoint.wait(
                socket: listener.descriptor, forReading: true, forWriting: false, wake: nil,
                untilNanoseconds: MonotonicClock.nowNanoseconds + 10_000_000_000)
            guard let other = try listener.accept() else { throw TookTooLong() }
            far = other
            try send(Sample.hello(.peer).frame)
            guard try hear(1) == [.message(.hello)] else { throw TookTooLong() }
        }

        /// Takes events until this many have come or the stream has ended.
        func hear(_ count: Int) throws -> [Heard] {
            var heard: [Heard] = []
            while heard.count < count {
                guard try receiver.fill(from: near) else {
                    receiver.willWait(on: near)
                    let ready = try WaitPoint.wait(
                        socket: near.descriptor, forReading: true, forWriting: false, wake: nil,
                        untilNanoseconds: MonotonicClock.nowNanoseconds + 10_000_000_000)
                    guard !ready.isEmpty else { throw TookTooLong() }
                    continue
                }
                if receiver.isClosed { return heard + [.closed] }
                while let event = try receiver.next() { take(event, &heard) }
            }
            return heard
        }

        /// Takes the events of what is here.
        func available() throws -> [Heard] {
            var heard: [Heard] = []
            while try receiver.fill(from: near) {
                while let event = try receiver.next() { take(event, &heard) }
            }
            return heard
        }

        private func take(_ event: FrameReceiver.Event, _ heard: inout [Heard]) {
            switch event {
            case .message(let message): heard.append(.message(message.type))
            case .chunkBegins(let header):
                if discards.contains(header.chunk) { return receiver.discard() }
                let known = wrong.contains(header.chunk) ? header.chunk + 1 : header.chunk
                receiver.keep(expecting: digest(known, header.payloadByteCount), in: pool)
            case .chunkKept(let header, let isGenuine):
                let isWhole = Array(receiver.chunkBytes) == bytes(header.chunk, header.payloadByteCount)
                heard.append(.chunk(header.chunk, isGenuine: isGenuine, isWhole: isWhole))
                receiver.release()
                if refusesTwice { discards.insert(header.chunk) }
            case .chunkDiscarded(let header): heard.append(.discarded(header.chunk))
            }
        }

        func send(_ bytes: [UInt8]) throws {
            var rest = bytes[...]
            while !rest.isEmpty {
                let transfer = try rest.withUnsafeBytes { try far.send($0) }
                guard case .bytes(let count) = transfer else { throw TookTooLong() }
                rest = rest.dropFirst(count)
            }
        }
    }

    @Test(arguments: [(1024, 9), (1025, 2), (4096, 3), (102_400, 5), (102_400, 4), (1_048_577, 2)])
    func chunksThatCameTogetherComeOutInOrder(size: Int, count: Int) throws {
        let ground = try Ground(chunkByteCount: size)
        let chunks = (0..<ChunkID(count)).map { $0 }
        try ground.send(chunks.flatMap { frame($0, size) })
        #expect(try ground.hear(count) == chunks.map { .chunk($0, isGenuine: true, isWhole: true) })
    }

    /// Each of a pair has its own verdict, wherever the wrong one stands.
    @Test(arguments: [[0], [1], [2], [0, 1], [1, 2]] as [[ChunkID]])
    func aWrongChunkIsFoundBesideARightOne(wrong: [ChunkID]) throws {
        let ground = try Ground(chunkByteCount: 5000)
        ground.wrong = Set(wrong)
        try ground.send((0..<3).flatMap { frame($0, 5000) })
        let expected = (0..<3).map { Heard.chunk($0, isGenuine: !wrong.contains($0), isWhole: true) }
        #expect(try ground.hear(3) == expected)
    }

    /// A chunk never waits for another that has not come: the next frame is cut after its header.
    @Test func aChunkComesOutThoughTheNextIsUnderWay() throws {
        let ground = try Ground(chunkByteCount: 3000)
        let next = frame(1, 3000)
        try ground.send(frame(0, 3000) + next.prefix(100))
        #expect(try ground.hear(1) == [.chunk(0, isGenuine: true, isWhole: true)])
        try ground.send(Array(next.dropFirst(100)))
        #expect(try ground.hear(1) == [.chunk(1, isGenuine: true, isWhole: true)])
    }

    @Test func theLastChunkIsShorterThanTheOthers() throws {
        let ground = try Ground(chunkByteCount: 3000)
        try ground.send(frame(0, 3000) + frame(1, 1) + frame(2, 2999))
        #expect(try ground.hear(3) == (0..<3).map { .chunk($0, isGenuine: true, isWhole: true) })
    }

    /// A goodbye, or the end of the stream, does not overtake the chunk before it.
    @Test func endsComeBehindTheChunksBeforeThem() throws {
        let ground = try Ground(chunkByteCount: 2000)
        try ground.send(frame(0, 2000) + Message.goodbye(.leaving, reason: "").frame)
        #expect(try ground.hear(2) == [.chunk(0, isGenuine: true, isWhole: true), .message(.goodbye)])
        try ground.send(frame(1, 2000))
        ground.far.shutdown()
        #expect(try ground.hear(9) == [.chunk(1, isGenuine: true, isWhole: true), .closed])
    }

    /// The stream may be cut after any byte: what was whole before comes out, and then the end.
    @Test func aCutAfterAnyByte() throws {
        let size = 40
        let stream = frame(0, size) + Message.ping(7).frame + frame(1, size)
        let ends = [frame(0, size).count, frame(0, size).count + Message.ping(7).frame.count, stream.count]
        for cut in 0...stream.count {
            let ground = try Ground(chunkByteCount: size)
            try ground.send(Array(stream.prefix(cut)))
            ground.far.shutdown()
            let heard = try ground.hear(9)
            #expect(heard.last == .closed && heard.count == ends.count { $0 <= cut } + 1, "cut after \(cut)")
        }
    }

    /// What concerns a chunk that has come is heard behind it: its reject, or the same chunk again.
    @Test func nothingAboutAChunkOvertakesIt() throws {
        let ground = try Ground(chunkByteCount: 2000)
        try ground.send(frame(0, 2000) + Message.reject(0, .notHeld).frame + frame(1, 2000) + frame(2, 2000))
        let chunks = (0..<3).map { Heard.chunk($0, isGenuine: true, isWhole: true) }
        #expect(try ground.hear(4) == [chunks[0], .message(.reject), chunks[1], chunks[2]])
        let again = try Ground(chunkByteCount: 2000)
        again.refusesTwice = true
        try again.send(frame(0, 2000) + frame(0, 2000))
        #expect(try again.hear(2) == [.chunk(0, isGenuine: true, isWhole: true), .discarded(0)])
    }

    @Test func messagesAndUnwantedChunksBetweenWantedOnes() throws {
        let ground = try Ground(chunkByteCount: 2000)
        ground.discards = [1]
        try ground.send(
            Message.ping(7).frame + frame(0, 2000) + Message.ping(8).frame + frame(1, 2000) + frame(2, 2000))
        let heard = try ground.hear(5)
        #expect(heard.filter { if case .chunk = $0 { true } else { false } }
            == [.chunk(0, isGenuine: true, isWhole: true), .chunk(2, isGenuine: true, isWhole: true)])
        #expect(heard.filter { $0 == .message(.ping) }.count == 2 && heard.contains(.discarded(1)))
    }

    /// The stream may be cut anywhere: byte by byte the events are the same.
    @Test func byteByByte() throws {
        let ground = try Ground(chunkByteCount: 70)
        var heard: [Heard] = []
        for byte in frame(0, 70) + Message.ping(7).frame + frame(1, 70) + frame(2, 3) {
            try ground.send([byte])
            heard += try ground.available()
        }
        while heard.count < 4 { heard += try ground.hear(1) }
        #expect(heard == [
            .chunk(0, isGenuine: true, isWhole: true), .message(.ping), .chunk(1, isGenuine: true, isWhole: true),
            .chunk(2, isGenuine: true, isWhole: true),
        ])
    }
}

private func bytes(_ chunk: ChunkID, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &+ Int(chunk)) }
}

private func digest(_ chunk: ChunkID, _ count: Int) -> Digest {
    var hasher = SHA256Hasher()
    bytes(chunk, count).withUnsafeBytes { hasher.update($0) }
    return hasher.digest()
}

private func frame(_ chunk: ChunkID, _ count: Int) -> [UInt8] {
    var frame: [UInt8] = []
    FrameHeader(type: .chunk, chunk: chunk, payloadByteCount: count).append(to: &frame)
    return frame + bytes(chunk, count)
}
