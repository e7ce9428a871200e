import Testing

@testable import MillraceIO

/// Short frames leave many at a time; what comes out must not show it.
@Suite(.timeLimit(.minutes(5))) struct GatherTests {
    private let folder = TemporaryFolder()

    private func frames(
        _ transport: any Transport, _ path: String, _ content: [UInt8], count: Int, size: Int, gap: Int
    ) -> [UInt8] {
        var expected: [UInt8] = []
        for index in 0..<count {
            let header: [UInt8] = [0xAA, UInt8(truncatingIfNeeded: index)]
            let offset = index * (size + gap)
            let payload = FilePayload(place: .path(path), offset: UInt64(offset), byteCount: size)
            transport.enqueue(header: header, payload: payload, tag: UInt32(index))
            expected += header + content[offset..<(offset + size)]
            guard index % 5 == 4 else { continue }
            transport.enqueue(bytes: [1, 2, 3])
            expected += [1, 2, 3]
        }
        return expected
    }

    /// Sizes around the limit where a payload goes by itself, side by side in the file and apart.
    @Test(arguments: [(1, 0), (1024, 0), (1024, 7), (16_383, 0), (16_384, 3), (16_385, 0), (16_385, 1)])
    func framesOfOneFile(size: Int, gap: Int) throws {
        var generator = SeededGenerator(state: 9)
        let count = 300
        let content = generator.bytes(count * (size + gap))
        let path = try folder.file("content", content)
        for kind in TransportKind.allCases {
            let transport = try TransportChoice.make(kind)
            let expected = frames(transport, path, content, count: count, size: size, gap: gap)
            let (received, completed) = try transport.deliver(over: try Pair(), byteCount: expected.count)
            #expect(received == expected, "\(kind)")
            #expect(completed == (0..<UInt32(count)).map { $0 })
        }
    }

    /// The file ends within the run that is read with one call: what is before it goes out, the frame that is short
    /// is told, and the others behind it are refused each in their turn.
    @Test(arguments: TransportKind.allCases)
    func aRunThatEndsBeforeItsLastFrame(kind: TransportKind) throws {
        let path = try folder.file("content", Array(repeating: 5, count: 250))
        let transport = try TransportChoice.make(kind)
        for tag in 0..<UInt32(4) {
            let payload = FilePayload(place: .path(path), offset: UInt64(tag) * 100, byteCount: 100)
            transport.enqueue(header: [9], payload: payload, tag: tag)
        }
        let pair = try Pair()
        var completed: [UInt32] = []
        for tag in UInt32(2)...3 {
            let fault = #expect(throws: SendFault.self) {
                try transport.send(on: pair.near, completed: { completed.append($0) })
            }
            #expect(fault == .sourceShrank(tag: tag))
        }
        #expect(completed == [0, 1] && !transport.isBroken && transport.queuedCount == 0)
        #expect(try transport.deliver(over: pair, byteCount: 202).received.count == 202)
    }

    /// What waits behind a full socket can be dropped though it was read already.
    @Test(arguments: TransportKind.allCases)
    func gatheredFramesCanBeDropped(kind: TransportKind) throws {
        var generator = SeededGenerator(state: 13)
        let content = generator.bytes(8000)
        let path = try folder.file("content", content)
        let transport = try TransportChoice.make(kind)
        let payload = FilePayload(place: .path(path), offset: 0, byteCount: content.count)
        let count: UInt32 = 2000
        for tag in 0..<count { transport.enqueue(header: [7], payload: payload, tag: tag) }
        let pair = try Pair()
        var completed: [UInt32] = []
        #expect(try !transport.send(on: pair.near, completed: { completed.append($0) }))
        let dropped = (0..<count).filter { transport.drop(tag: $0) }
        #expect(dropped.count >= Int(count) - completed.count - 1 && dropped.count > 100)
        let kept = Int(count) - dropped.count
        let rest = try transport.deliver(over: pair, byteCount: kept * 8001)
        #expect(rest.received == (0..<kept).flatMap { _ in [7] + content })
        #expect(completed + rest.completed == Array(0..<UInt32(kept)))
    }

    /// A control frame may be longer than all that is gathered.
    @Test(arguments: TransportKind.allCases)
    func aLongControlFrame(kind: TransportKind) throws {
        var generator = SeededGenerator(state: 17)
        let long = generator.bytes(1_000_000)
        let path = try folder.file("content", [1, 2, 3])
        let transport = try TransportChoice.make(kind)
        let payload = FilePayload(place: .path(path), offset: 0, byteCount: 3)
        transport.enqueue(bytes: [4])
        transport.enqueue(bytes: long)
        transport.enqueue(header: [5], payload: payload, tag: 1)
        let received = try transport.deliver(over: try Pair(), byteCount: long.count + 5).received
        #expect(received == [4] + long + [5, 1, 2, 3])
    }
}
