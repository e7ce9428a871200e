import MillraceWire
import Testing

/// How the limits hang together: each relation is one that PROTOCOL.md, section "Limits", gives as a reason.
struct WireLimitsTests {
    @Test func aListOfTheMostChunksFitsItsFrame() {
        #expect(WireLimits.largestListByteCount == 1 + (Int(WireLimits.largestChunkCount) + 7) / 8)
    }

    @Test func aFrameOfDigestsIs64KiB() {
        #expect(WireLimits.largestDigestCountPerFrame * WireLimits.digestByteCount == 64 * 1024)
    }

    @Test func everyPayloadLengthFitsTheHeader() {
        for type in MessageType.allCases { #expect(type.payloadByteCounts.upperBound <= Int(UInt32.max)) }
    }

    @Test func controlMessagesStaySmallerThanAChunkOrAList() {
        let lists: [MessageType] = [.list, .have, .proofRequest]
        for type in MessageType.allCases where !type.carriesChunk && !lists.contains(type) {
            #expect(type.payloadByteCounts.upperBound <= 64 * 1024)
        }
    }

    @Test func chunkSizesAreInOrder() {
        #expect(WireLimits.smallestChunkByteCount <= WireLimits.defaultChunkByteCount)
        #expect(WireLimits.defaultChunkByteCount <= WireLimits.largestChunkByteCount)
        #expect(Int(WireLimits.largestChunkByteCount) == MessageType.chunk.payloadByteCounts.upperBound)
        #expect(Int(WireLimits.largestChunkByteCount) == MessageType.grant.payloadByteCounts.upperBound)
    }

    @Test func requestsAndCreditsStayWithinWhatMayBeOutstanding() {
        #expect(Int(WireLimits.largestRequestCount) <= WireLimits.largestOutstandingCount)
    }

    @Test func noPeerIndexCanBeTakenForNoPeer() {
        #expect(WireLimits.largestPeerCount < PeerIndex.max)
        #expect(WireLimits.largestPeerCount % WireLimits.largestRosterCountPerFrame == 0)
    }

    @Test func everyTypeOfThisVersionMustBeKnown() {
        for type in MessageType.allCases { #expect(type.rawValue < WireLimits.firstSkippableType) }
    }

    @Test func aNameLengthFitsItsByte() { #expect(WireLimits.largestNameByteCount <= Int(UInt8.max)) }

    @Test func theLargestFileFitsItsField() throws {
        let layout = try ChunkLayout(
            fileByteCount: UInt64(WireLimits.largestChunkCount) * UInt64(WireLimits.largestChunkByteCount),
            chunkByteCount: WireLimits.largestChunkByteCount)
        #expect(layout.chunkCount == WireLimits.largestChunkCount)
        #expect(layout.fileByteCount == 281_474_976_710_656)
    }

    @Test func theHandshakeHasRoomForLaterVersions() {
        #expect(plainHello.frame.count == WireLimits.frameHeaderByteCount + WireLimits.helloByteCount)
        #expect(WireLimits.helloByteCount < WireLimits.largestHelloByteCount)
        #expect(WireLimits.oldestVersion <= WireLimits.newestVersion)
    }
}

struct MessageTests {
    @Test func aLongReasonIsCutAtACharacter() throws {
        for reason in [String(repeating: "é", count: 300), "a" + String(repeating: "€", count: 100)] {
            let seen = Stream.read([plainHello.frame + Message.goodbye(.leaving, reason: reason).frame]).seen
            guard case .message(.goodbye(.leaving, let cut)) = seen.last else {
                Issue.record("no goodbye came")
                continue
            }
            #expect(reason.hasPrefix(cut) && cut.utf8.count <= 200 && cut.utf8.count > 190)
        }
    }

    @Test func framesAreAppendedBehindWhatIsThere() {
        var bytes: [UInt8] = [1, 2, 3]
        Message.ping(9).append(to: &bytes)
        #expect(bytes == [1, 2, 3] + Message.ping(9).frame)
    }

    @Test func roomIsOneToEightTimesTheUsual() {
        for times in UInt8.min...UInt8.max {
            let result = Stream.read([plainHello.frame + Message.room(times: times).frame])
            if (1...8).contains(times) {
                #expect(result.error == nil && result.seen.last == .message(.room(times: times)))
            } else {
                #expect(result.error == .badField(.room, field: "times") && result.seen.count == 1)
            }
        }
    }

    @Test func everyErrorHasACodeAndAText() {
        let errors: [(WireError, GoodbyeCode)] = [
            (.truncated(.join), .badFrame), (.trailingBytes(.join), .badFrame), (.reservedBitsSet, .badFrame),
            (.badMagic, .badMagic), (.versionMismatch(low: 2, high: 3), .versionMismatch),
            (.frameTooLong(type: 1, byteCount: 2, limit: 1), .frameTooLong),
            (.frameTooShort(type: 1, byteCount: 0), .badFrame), (.unknownType(99), .unknownType),
            (.unexpectedMessage(.chunk), .unexpectedMessage), (.badField(.join, field: "port"), .badField),
            (.chunkOutOfRange(4, chunkCount: 3), .badField),
            (.chunkLengthWrong(1, byteCount: 2, expected: 3), .badField), (.limitExceeded(limit: "x"), .limitExceeded),
        ]
        for (error, code) in errors { #expect(error.goodbyeCode == code && !error.description.isEmpty) }
    }

    @Test func randomTokensAreKnown() {
        for _ in 0..<100 { #expect(NodeToken.random() != .unknown) }
    }

    @Test func mappedIPv4IsIPv4AndLoopbackIsKnown() {
        let mapped = PeerAddress.Host.v6(high: 0, low: 0xFFFF_7F00_0001)
        #expect(mapped.unmapped == .v4(0x7F00_0001) && mapped.unmapped.isLoopback)
        #expect(PeerAddress.Host.v6(high: 0, low: 1).isLoopback)
        #expect(PeerAddress.Host.v6(high: 0, low: 1).unmapped == .v6(high: 0, low: 1))
        for host in [PeerAddress.Host.none, .ownersHost, .v4(0x0A00_0001), .v6(high: 1, low: 1)] {
            #expect(!host.isLoopback && host.unmapped == host)
        }
    }
}
