import Foundation
import Testing

@testable import MillraceIO

/// Every transport must do the same; copy is the plainest.
@Suite(.timeLimit(.minutes(5))) struct TransportTests {
    private let folder = TemporaryFolder()

    @Test(arguments: TransportKind.allCases, [Int.max, 1000])
    func framesLeaveInOrderByteForByte(kind: TransportKind, callByteCount: Int) throws {
        var generator = SeededGenerator(state: 1)
        let content = generator.bytes(300_000)
        let path = try folder.file("content", content)
        let file = try System.open(path, .readOnly)
        let transport = try TransportChoice.make(kind)
        transport.callByteCount = callByteCount
        var expected: [UInt8] = []
        var tags: [UInt32] = []
        for tag in 0..<UInt32(200) {
            let header = generator.bytes(12)
            expected += header
            guard generator.next() % 4 != 0 else {
                transport.enqueue(bytes: header)
                continue
            }
            let offset = Int(generator.next() % 300_001)
            let count = Int(generator.next() % UInt64(300_001 - offset))
            let place: FilePayload.Place = generator.next() % 2 == 0 ? .path(path) : .descriptor(file.rawValue)
            transport.enqueue(
                header: header, payload: FilePayload(place: place, offset: UInt64(offset), byteCount: count), tag: tag)
            expected += content[offset..<(offset + count)]
            tags.append(tag)
        }
        let pair = try Pair()
        let (received, completed) = try transport.deliver(over: pair, byteCount: expected.count)
        #expect(received == expected)
        #expect(completed == tags)
        #expect(transport.queuedCount == 0 && !transport.isBroken)
    }

    /// A transport with one frame of tag 7: the header 1, 2, 3 and a payload larger than any socket takes at once.
    private func largeChunk(_ kind: TransportKind) throws -> (transport: any Transport, content: [UInt8]) {
        var generator = SeededGenerator(state: 2)
        let content = generator.bytes(16 << 20)
        let path = try folder.file("content", content)
        let transport = try TransportChoice.make(kind)
        transport.enqueue(
            header: [1, 2, 3], payload: FilePayload(place: .path(path), offset: 0, byteCount: content.count), tag: 7)
        return (transport, content)
    }

    @Test(arguments: TransportKind.allCases)
    func aLargeChunkGoesOutInPiecesAsTheReaderTakesIt(kind: TransportKind) throws {
        let (transport, content) = try largeChunk(kind)
        let pair = try Pair()
        #expect(try !transport.send(on: pair.near, completed: { _ in }))
        #expect(transport.queuedCount == 1)
        #expect(!transport.drop(tag: 7))
        let (received, completed) = try transport.deliver(over: pair, byteCount: content.count + 3)
        #expect(received == [1, 2, 3] + content)
        #expect(completed == [7])
    }

    /// What has not left is one packet buffer, which the kernel fills up without looking at its limit.
    @Test(arguments: TransportKind.allCases)
    func aPayloadWaitsWhileTheKernelHoldsAsMuchAsItMay(kind: TransportKind) throws {
        let (transport, content) = try largeChunk(kind)
        (transport.callByteCount, transport.limitByteCount) = (16 * 1024, 64 * 1024)
        let pair = try Pair()
        #expect(try !transport.send(on: pair.near, completed: { _ in }))
        // Then it is the other side that takes no more.
        #expect((64 * 1024..<(80 * 1024)).contains(pair.near.queuedByteCount), "\(pair.near.queuedByteCount)")
        let (received, completed) = try transport.deliver(over: pair, byteCount: content.count + 3)
        #expect(received == [1, 2, 3] + content && completed == [7])
    }

    @Test(arguments: TransportKind.allCases)
    func aMissingFileCostsItsFrameAlone(kind: TransportKind) throws {
        let path = try folder.file("content", [5, 6, 7])
        let transport = try TransportChoice.make(kind)
        let missing = FilePayload(place: .path(folder.path + "/missing"), offset: 0, byteCount: 3)
        transport.enqueue(bytes: [1])
        transport.enqueue(header: [2], payload: missing, tag: 2)
        transport.enqueue(header: [3], payload: FilePayload(place: .path(path), offset: 1, byteCount: 2), tag: 3)
        let pair = try Pair()
        let fault = #expect(throws: SendFault.self) { try transport.send(on: pair.near, completed: { _ in }) }
        guard case .source(let error, tag: 2) = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
        #expect(error.errno == ENOENT)
        #expect(!transport.isBroken)
        let (received, completed) = try transport.deliver(over: pair, byteCount: 4)
        #expect(received == [1, 3, 6, 7])
        #expect(completed == [3])
    }

    @Test(arguments: TransportKind.allCases)
    func aShorterFileIsFoundBeforeTheHeaderLeaves(kind: TransportKind) throws {
        let path = try folder.file("content", [5, 6, 7])
        let transport = try TransportChoice.make(kind)
        transport.enqueue(header: [2], payload: FilePayload(place: .path(path), offset: 1, byteCount: 3), tag: 2)
        transport.enqueue(
            header: [2], payload: FilePayload(place: .path(path), offset: .max, byteCount: 3), tag: 3)
        transport.enqueue(bytes: [9])
        let pair = try Pair()
        for tag in [UInt32(2), 3] {
            let fault = #expect(throws: SendFault.self) { try transport.send(on: pair.near, completed: { _ in }) }
            #expect(fault == .sourceShrank(tag: tag))
        }
        #expect(!transport.isBroken)
        #expect(try transport.deliver(over: pair, byteCount: 1).received == [9])
    }

    @Test(arguments: TransportKind.allCases)
    func aFileThatShrinksUnderTheSenderBreaksTheConnection(kind: TransportKind) throws {
        let path = try folder.file("content", Array(repeating: 1, count: 32 << 20))
        let transport = try TransportChoice.make(kind)
        transport.enqueue(header: [1], payload: FilePayload(place: .path(path), offset: 0, byteCount: 32 << 20), tag: 4)
        let pair = try Pair()
        #expect(try !transport.send(on: pair.near, completed: { _ in }))
        try FileHandle(forWritingTo: URL(fileURLWithPath: path)).truncate(atOffset: 100)
        let fault = #expect(throws: SendFault.self) { try transport.deliver(over: pair, byteCount: 33 << 20) }
        #expect(fault == .sourceShrank(tag: 4))
        #expect(transport.isBroken)
    }

    @Test(arguments: TransportKind.allCases)
    func aQueuedFrameCanBeDroppedUntilItHasStarted(kind: TransportKind) throws {
        let path = try folder.file("content", [5, 6, 7])
        let transport = try TransportChoice.make(kind)
        let payload = FilePayload(place: .path(path), offset: 0, byteCount: 3)
        transport.enqueue(bytes: [1])
        for tag in UInt32(1)...4 { transport.enqueue(header: [UInt8(tag)], payload: payload, tag: tag) }
        #expect(transport.queuedCount == 5)
        #expect(transport.drop(tag: 3))
        #expect(!transport.drop(tag: 3))
        #expect(!transport.drop(tag: 0))
        let pair = try Pair()
        let (received, completed) = try transport.deliver(over: pair, byteCount: 13)
        #expect(received == [1, 1, 5, 6, 7, 2, 5, 6, 7, 4, 5, 6, 7])
        #expect(completed == [1, 2, 4])
    }

    @Test(arguments: TransportKind.allCases)
    func framesBehindABlockedOneCanBeDropped(kind: TransportKind) throws {
        var generator = SeededGenerator(state: 3)
        let content = generator.bytes(16 << 20)
        let path = try folder.file("content", content)
        let transport = try TransportChoice.make(kind)
        let large = FilePayload(place: .path(path), offset: 0, byteCount: content.count)
        let small = FilePayload(place: .path(path), offset: 5, byteCount: 2)
        transport.enqueue(header: [1], payload: large, tag: 1)
        for tag in UInt32(2)...40 { transport.enqueue(header: [UInt8(tag)], payload: small, tag: tag) }
        let pair = try Pair()
        #expect(try !transport.send(on: pair.near, completed: { _ in }))
        #expect(!transport.drop(tag: 1))
        for tag in UInt32(2)...39 { #expect(transport.drop(tag: tag)) }
        let (received, completed) = try transport.deliver(over: pair, byteCount: content.count + 4)
        #expect(received == [1] + content + [40] + content[5..<7])
        #expect(completed == [1, 40])
    }

    @Test(arguments: TransportKind.allCases)
    func aReaderThatHasGoneIsASocketFault(kind: TransportKind) throws {
        let path = try folder.file("content", Array(repeating: 1, count: 16 << 20))
        let transport = try TransportChoice.make(kind)
        transport.enqueue(header: [1], payload: FilePayload(place: .path(path), offset: 0, byteCount: 16 << 20), tag: 4)
        let pair = try Pair()
        #expect(try !transport.send(on: pair.near, completed: { _ in }))
        let near = pair.leftAlone()
        _ = try WaitPoint.wait(
            socket: near.descriptor, forReading: true, forWriting: false, wake: nil,
            untilNanoseconds: deadline(seconds: 10))
        let fault = #expect(throws: SendFault.self) { try transport.send(on: near, completed: { _ in }) }
        guard case .socket(let error) = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
        #expect(error.isConnectionLoss)
    }

    /// The transport falls back to opening one by one, so this is the only place where a ring that opens nothing shows.
    @Test func aRingOpensAllFilesThatAreThere() throws {
        guard TransportChoice.choose(.uring, forChunkFiles: true).kind == .uring else { return }
        let first = try folder.file("first", [1])
        let second = try folder.file("second", [1, 2])
        let ring = try Ring(entryCount: 8)
        for _ in 0..<5 {
            var lengths: [Int: UInt64] = [:]
            try ring.open([first, folder.path + "/missing", second]) { index, descriptor in
                lengths[index] = try? System.status(of: descriptor.rawValue).byteCount
            }
            #expect(lengths == [0: 1, 2: 2])
        }
    }

    @Test func theChoiceAlwaysHasAReason() {
        for wanted in [nil] + TransportKind.allCases.map(Optional.some) {
            #expect(!TransportChoice.choose(wanted, forChunkFiles: true).reason.isEmpty)
        }
        let flat = TransportChoice.choose(nil, forChunkFiles: false)
        #expect(flat.kind == .sendfile && flat.localKind == .copy)
        #expect(flat.name == "sendfile/copy")
        #expect(flat.description.hasSuffix("copy to this machine itself)"))
        #expect(TransportChoice.choose(ringFault: nil).kind == .uring)
        let without = TransportChoice.choose(ringFault: "io_uring_setup: forbidden")
        #expect(without.kind == .sendfile && without.reason.contains("forbidden"))
        for wanted in [TransportKind.copy, .sendfile] {
            for forChunkFiles in [false, true] {
                let choice = TransportChoice.choose(wanted, forChunkFiles: forChunkFiles)
                #expect(choice.kind == wanted && choice.localKind == wanted && choice.name == wanted.rawValue)
            }
        }
    }

    @Test func aConnectionOfThisMachineWithItselfGetsItsOwnTransport() throws {
        let pair = try Pair()
        let isLocal = pair.near.isLocal
        #expect(isLocal)
        let chosen = try TransportChoice.choose(nil, forChunkFiles: false).transport(for: pair.near)
        #expect(chosen is CopyTransport)
        let forced = try TransportChoice.choose(.sendfile, forChunkFiles: false).transport(for: pair.near)
        #expect(forced is SendfileTransport)
    }
}
