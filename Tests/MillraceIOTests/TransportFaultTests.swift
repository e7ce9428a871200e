import Glibc
import Testing

@testable import MillraceIO

/// What networks and files do to a transport at bad moments; the same on all three.
@Suite(.timeLimit(.minutes(5))) struct TransportFaultTests {
    private let folder = TemporaryFolder()

    /// Buffers of the least size: every send is short, and most calls find no room.
    @Test(arguments: TransportKind.allCases)
    func shortSendsLoseNothing(kind: TransportKind) throws {
        var generator = SeededGenerator(state: 5)
        let content = generator.bytes(90_000)
        let path = try folder.file("content", content)
        let transport = try TransportChoice.make(kind)
        var expected: [UInt8] = []
        for tag in UInt32(1)...12 {
            let header = generator.bytes(12)
            let offset = Int(generator.next() % 30_000)
            let count = Int(generator.next() % 60_000)
            let payload = FilePayload(place: .path(path), offset: UInt64(offset), byteCount: count)
            transport.enqueue(header: header, payload: payload, tag: tag)
            expected += header + content[offset..<(offset + count)]
        }
        let pair = try Pair()
        try System.setOption(pair.near.descriptor, SOL_SOCKET, SO_SNDBUF, 1)
        var received: [UInt8] = []
        var completed: [UInt32] = []
        var stops = 0
        while received.count < expected.count {
            if try !transport.send(on: pair.near, completed: { completed.append($0) }) { stops += 1 }
            try pair.far.waitReadable()
            received += try #require(try pair.far.available(limit: 997))
        }
        #expect(received == expected)
        #expect(completed == Array(1...12))
        #expect(stops > 12)
    }

    /// The reader takes so many bytes of a frame and resets the connection: a socket fault, and a transport that says
    /// whether the frame is cut.
    @Test(arguments: TransportKind.allCases)
    func aResetAfterAnyByteIsASocketFault(kind: TransportKind) throws {
        let content = Array(repeating: UInt8(7), count: 16 << 20)
        let path = try folder.file("content", content)
        for taken in Array(0...16) + [4096, 65_536, 102_399] {
            let transport = try TransportChoice.make(kind)
            let payload = FilePayload(place: .path(path), offset: 0, byteCount: content.count)
            transport.enqueue(header: Array(repeating: 1, count: 12), payload: payload, tag: 4)
            let near = try startAndReset(transport, after: taken)
            let fault = #expect(throws: SendFault.self) {
                while try !transport.send(on: near, completed: { _ in }) {
                    let ready = try WaitPoint.wait(
                        socket: near.descriptor, forReading: false, forWriting: true, wake: nil,
                        untilNanoseconds: deadline(seconds: 10))
                    try #require(!ready.isEmpty)
                }
            }
            guard case .socket(let error) = fault else {
                Issue.record("after \(taken): \(String(describing: fault))")
                continue
            }
            #expect(error.isConnectionLoss, "after \(taken): \(error)")
            #expect(transport.isBroken && transport.queuedCount == 0)
        }
    }

    /// A folder where a file is wanted can be opened and not read.
    @Test(arguments: TransportKind.allCases)
    func aSourceThatCannotBeReadCostsItsFrame(kind: TransportKind) throws {
        let transport = try TransportChoice.make(kind)
        let payload = FilePayload(place: .path(folder.path), offset: 0, byteCount: 1)
        transport.enqueue(header: [2], payload: payload, tag: 2)
        transport.enqueue(bytes: [9])
        let pair = try Pair()
        let fault = #expect(throws: SendFault.self) { try transport.send(on: pair.near, completed: { _ in }) }
        guard case .source(_, tag: 2) = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
    }

    /// Offsets beyond 32 bits, in a file that is almost all hole.
    @Test(arguments: TransportKind.allCases)
    func rangesBeyondFourGibibytes(kind: TransportKind) throws {
        let path = folder.path + "/large"
        let file = try System.open(path, [.readWrite, .create])
        let offset = UInt64(5) << 30
        let content: [UInt8] = (0..<3000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        try content.withUnsafeBytes { try System.write(file.rawValue, at: offset, $0) }
        let transport = try TransportChoice.make(kind)
        transport.enqueue(
            header: [1], payload: FilePayload(place: .path(path), offset: offset - 10, byteCount: 3010), tag: 1)
        let received = try transport.deliver(over: try Pair(), byteCount: 3011).received
        #expect(received == [1] + Array(repeating: 0, count: 10) + content)
    }

    /// Fills the connection, then the other end takes a few bytes and resets it.
    private func startAndReset(_ transport: any Transport, after byteCount: Int) throws -> Socket {
        let pair = try Pair()
        #expect(try !transport.send(on: pair.near, completed: { _ in }))
        var taken = 0
        while taken < byteCount {
            try pair.far.waitReadable()
            taken += try #require(try pair.far.available(limit: byteCount - taken)).count
        }
        return pair.reset()
    }
}
