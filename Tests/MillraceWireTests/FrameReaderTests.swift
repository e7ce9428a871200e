import MillraceWire
import Testing

struct FrameReaderTests {
    @Test func noBytesAreNoEvent() {
        #expect(Stream.read([[]]).seen.isEmpty)
        #expect(Stream.read([[], [], []]).error == nil)
    }

    @Test func framesBackToBackComeOneByOne() {
        let messages: [Message] = [plainHello, .listRequest, .cancel(3), .finished, .ping(1), .pong(1), .finished]
        let bytes = messages.flatMap(\.frame)
        #expect(Stream.read([bytes]).seen == messages.map(Seen.message))
        #expect(Stream.read(bytes.singly).seen == messages.map(Seen.message))
    }

    @Test func aHalfFrameIsNoEvent() {
        let bytes = plainHello.frame
        for count in bytes.indices {
            let result = Stream.read([Array(bytes[..<count])])
            #expect(result.seen.isEmpty && result.error == nil)
        }
    }

    @Test func typesOfLaterVersionsAreSkipped() {
        for (type, count) in [(UInt8(128), 0), (200, 1), (255, 65_536)] {
            let unknown: [UInt8] = [0, UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255), type]
            // Flags, reserved bytes and chunk ID of such a frame have a meaning to others only.
            let bytes = plainHello.frame + unknown + [1, 2, 3, 4, 5, 6, 7] + Array(repeating: 9, count: count)
            let all = bytes + Message.ping(5).frame
            #expect(Stream.read([all]).seen == [.message(plainHello), .message(.ping(5))])
            #expect(Stream.read(all.singly).seen == [.message(plainHello), .message(.ping(5))])
        }
    }

    @Test func theLongestDigestsFrameIsOneMessage() {
        var generator = SeededGenerator(seed: 3)
        let digests = (0..<2048).compactMap { _ in digest(generator.bytes(32)) }
        let message = Message.digests(first: 7, digests)
        let bytes = plainHello.frame + message.frame
        #expect(message.frame.count == 12 + 65_536)
        #expect(Stream.read([bytes]).seen.last == .message(message))
        for place in [13, 68, 69, 79, 80, 81, 4096, bytes.count - 1] {
            #expect(Stream.read(bytes.split(at: place)).seen.last == .message(message))
        }
    }

    @Test func aChunkOfTheLargestSizeIsAnnouncedFromItsHeader() throws {
        var bytes = plainHello.frame
        let header = FrameHeader(type: .chunk, chunk: 9, payloadByteCount: 16 * 1024 * 1024)
        header.append(to: &bytes)
        var reader = FrameReader()
        var consumed = 0
        let hello = try reader.next(bytes.span.bytes, consumed: &consumed)
        let chunk = try reader.next(bytes.span.bytes, consumed: &consumed)
        #expect(hello == .message(plainHello))
        #expect(chunk == .chunkFollows(header))
        #expect(consumed == bytes.count)
    }

    @Test func aRefusalMayComeInPlaceOfTheHello() {
        let goodbye = Message.goodbye(.wrongSwarm, reason: "another swarm")
        #expect(Stream.read([goodbye.frame]).seen == [.message(goodbye)])
        #expect(Stream.read(goodbye.frame.singly).seen == [.message(goodbye)])
    }

    @Test func aSecondHelloIsLeftToTheConversation() {
        #expect(Stream.read([plainHello.frame + plainHello.frame]).seen.count == 2)
    }

    @Test(arguments: 0..<64) func aRandomStreamIsTheSameInRandomPieces(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let valid = FrameVectorTests.frames.filter { $0.number != 1 }
        var bytes = plainHello.frame
        for _ in 0..<20 { bytes += valid.randomElement(using: &generator)!.hex.bytes }
        let whole = Stream.read([bytes])
        #expect(whole.error == nil && whole.seen.count == 21)
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 0...min(rest.count, 40), using: &generator)
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        #expect(Stream.read(pieces).seen == whole.seen)
    }
}

/// Nothing from outside may trap: what these feed is wrong in ways nobody thought of.
struct RandomBytesTests {
    @Test(arguments: 0..<32) func randomBytesNeverTrap(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let bytes = generator.bytes(Int.random(in: 0...200, using: &generator))
            _ = Stream.read([bytes])
            _ = Stream.read([plainHello.frame + bytes])
        }
    }

    @Test(arguments: 0..<32) func randomPayloadsOfEveryTypeNeverTrap(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for type in MessageType.allCases where !type.carriesChunk {
            for _ in 0..<20 {
                let sizes = type.payloadByteCounts
                let count = Int.random(in: sizes.lowerBound...min(sizes.upperBound, 600), using: &generator)
                let chunk: ChunkID = type.usesChunkID ? .random(in: 0...(.max), using: &generator) : 0
                let header = FrameHeader(type: type, chunk: chunk, payloadByteCount: count)
                let payload = generator.bytes(count)
                if let message = try? Message.decode(header, payload: payload.span.bytes) {
                    #expect(message.type == type)
                }
            }
        }
    }

    @Test(arguments: 0..<32) func validFramesWithChangedBytesNeverTrap(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for frame in FrameVectorTests.frames {
            var bytes = plainHello.frame + frame.hex.bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[bytes.indices.randomElement(using: &generator)!] = .random(in: 0...255, using: &generator)
            }
            let whole = Stream.read([bytes])
            let pieces = Stream.read(bytes.singly)
            #expect(whole.seen == pieces.seen && whole.error == pieces.error)
        }
    }

    @Test(arguments: 0..<16) func aReaderThatThrewMayBeAskedAgain(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let bytes = plainHello.frame + generator.bytes(60)
            var reader = FrameReader()
            var consumed = 0
            for _ in 0..<8 { _ = try? reader.next(bytes.span.bytes, consumed: &consumed) }
            #expect(consumed <= bytes.count)
        }
    }
}
