import Glibc
import Testing

@testable import MillraceIO

@Suite(.timeLimit(.minutes(5))) struct SocketTests {
    @Test func bytesArriveInOrderAndTheEndIsTold() throws {
        do {
            let pair = try Pair()
            #expect(try pair.far.available(limit: 10) == [])
            try pair.near.sendAll(Array("hello".utf8))
            try pair.far.waitReadable()
            #expect(try pair.far.available(limit: 3) == Array("hel".utf8))
            #expect(try pair.far.available(limit: 3) == Array("lo".utf8))
            pair.near.shutdown()
            try pair.far.waitReadable()
            #expect(try pair.far.available(limit: 3) == nil)
        }
    }

    @Test func oneReceiveFillsTwoBuffers() throws {
        let pair = try Pair()
        try pair.near.sendAll([1, 2, 3, 4, 5])
        try pair.far.waitReadable()
        var first: [UInt8] = [0, 0]
        var second: [UInt8] = [0, 0, 0, 0]
        let transfer = try first.withUnsafeMutableBytes { head in
            try second.withUnsafeMutableBytes { tail in try pair.far.receive(into: head, then: tail) }
        }
        #expect(transfer == .bytes(5))
        #expect(first == [1, 2])
        #expect(second == [3, 4, 5, 0])
    }

    @Test func addressesOfBothEndsMatch() throws {
        let pair = try Pair()
        #expect(pair.near.localAddress == pair.far.remoteAddress)
        #expect(pair.near.remoteAddress == pair.far.localAddress)
        #expect(pair.far.remoteAddress.description.hasPrefix("127.0.0.1:"))
    }

    @Test func anIPv4CallerOfADualStackListenerHasAnIPv4Address() throws {
        let listener = try Listener(host: nil, port: 0)
        let address = SocketAddress(host: .v4(0x7F00_0001), port: listener.port)
        let near = try Socket.connect(to: address, timeoutNanoseconds: seconds(10), wake: nil)
        let far = try acceptOne(listener)
        #expect(far.remoteAddress == near.localAddress)
        #expect(far.remoteAddress.host == .v4(0x7F00_0001))
    }

    @Test func aRefusedConnectionIsALoss() throws {
        let port = try Listener(host: "127.0.0.1", port: 0).port
        let error = #expect(throws: SystemError.self) {
            _ = try Socket.connect(
                to: SocketAddress(host: .v4(0x7F00_0001), port: port), timeoutNanoseconds: seconds(10), wake: nil)
        }
        #expect(error?.errno == ECONNREFUSED)
        #expect(error?.isConnectionLoss == true)
    }

    @Test func connectGivesUpAfterItsTime() throws {
        let listener = try fullListener()
        let error = #expect(throws: SystemError.self) { try connect(to: listener.port, milliseconds: 1, wake: nil) }
        #expect(error?.errno == ETIMEDOUT)
    }

    @Test func aWakeUpEndsConnect() throws {
        let listener = try fullListener()
        let wake = try WakeUp()
        wake.signal()
        let error = #expect(throws: SystemError.self) {
            try connect(to: listener.port, milliseconds: 30_000, wake: wake)
        }
        #expect(error?.errno == ECANCELED)
    }

    @Test func sendToAClosedConnectionIsALossAndNoSignal() throws {
        let near = try nearEndOfClosedPair()
        let error = #expect(throws: SystemError.self) {
            while true {
                let bytes: [UInt8] = [1]
                _ = try bytes.withUnsafeBytes { try near.send($0) }
                _ = try WaitPoint.wait(
                    socket: near.descriptor, forReading: true, forWriting: false, wake: nil,
                    untilNanoseconds: deadline(seconds: 10))
            }
        }
        #expect(error?.isConnectionLoss == true)
    }

    @Test func aTakenPortIsRefusedWithItsAddress() throws {
        let listener = try Listener(host: "127.0.0.1", port: 0)
        let error = #expect(throws: SystemError.self) { _ = try Listener(host: "127.0.0.1", port: listener.port) }
        #expect(error?.errno == EADDRINUSE)
        #expect(error?.subject == "127.0.0.1:\(listener.port)")
    }

    @Test func acceptTellsWhenNobodyIsThere() throws {
        let listener = try Listener(host: "127.0.0.1", port: 0)
        let isNobody = try listener.accept() == nil
        #expect(isNobody)
    }

    /// A listener whose queue is full, so that the next connect finds no answer.
    private func fullListener() throws -> Listener {
        let listener = try Listener(host: "127.0.0.1", port: 0, backlog: 0)
        var isFull = false
        for _ in 0..<16 where !isFull {
            do { try connect(to: listener.port, milliseconds: 200, wake: nil) } catch { isFull = true }
        }
        try #require(isFull)
        return listener
    }

    private func connect(to port: UInt16, milliseconds: UInt64, wake: WakeUp?) throws {
        _ = try Socket.connect(
            to: SocketAddress(host: .v4(0x7F00_0001), port: port), timeoutNanoseconds: milliseconds * 1_000_000,
            wake: wake)
    }

    private func nearEndOfClosedPair() throws -> Socket {
        let listener = try Listener(host: "127.0.0.1", port: 0)
        let near = try Socket.connect(
            to: SocketAddress(host: .v4(0x7F00_0001), port: listener.port), timeoutNanoseconds: seconds(10), wake: nil)
        _ = try acceptOne(listener)
        return near
    }

    @Test func theShortestRoundTripIsKnownOnceSomethingWasAcknowledged() throws {
        let pair = try Pair()
        try pair.near.sendAll([1, 2, 3])
        try pair.far.waitReadable()
        let found = pair.near.leastRoundTripNanoseconds
        #expect(try #require(found) < 1_000_000_000)
    }
}
