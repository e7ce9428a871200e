import Benchmark
import MillraceWire

/// Frames, encoded and decoded, a thousand in each run: what a control message costs on top of its bytes.
func wireBenchmarks() {
    let messages: [Message] = (0..<1000).map { index in
        let chunk = ChunkID(index)
        return switch index % 4 {
        case 0: .request(first: chunk, count: 1)
        case 1: .have(ChunkIDList.encode(runs: [chunk..<(chunk + 3)]))
        case 2: .credit(count: 1)
        default: .reject(chunk, .notHeld)
        }
    }

    Benchmark("Wire.encode-a-control-frame", configuration: .perThousand) { _ in
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32_000)
        for message in messages { message.append(to: &bytes) }
        blackHole(bytes)
    }

    let hello = Message.hello(HelloMessage(role: .peer, swarm: .unknown, node: NodeToken(high: 1, low: 2))).frame
    let stream = hello + messages.flatMap(\.frame)
    Benchmark("Wire.decode-a-control-frame", configuration: .perThousand) { _ in
        blackHole(decode(stream))
    }

    let digest = Digest(hex: String(repeating: "0f", count: 32))!
    let digests = hello + Message.digests(first: 0, Array(repeating: digest, count: 1000)).frame
    Benchmark("Wire.decode-a-digest-of-a-manifest", configuration: .perThousand) { _ in
        blackHole(decode(digests))
    }
}

private func decode(_ stream: [UInt8]) -> Int {
    var reader = FrameReader()
    var consumed = 0
    var count = 0
    while case .message? = try? reader.next(stream.span.bytes, consumed: &consumed) { count += 1 }
    return count
}
