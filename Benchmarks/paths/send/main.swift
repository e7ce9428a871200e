import Glibc
import MillraceIO

// send-path TRANSPORT flat|chunks FOLDER TOTAL CHUNK: what one of our transports costs where the floor's sender runs
// its loop: the same source files, frames of the same size, a receiver that drops. One JSON line goes to stdout.
// `auto` is what a node takes to another machine: a receiver that costs as little as this one is not on ours.

let words = Array(CommandLine.arguments.dropFirst())
let isFlat = words.dropFirst().first == "flat"
let wanted =
    words.first == "auto"
    ? TransportChoice.choose(nil, forChunkFiles: !isFlat).kind : TransportKind(rawValue: words.first ?? "")
guard words.count == 5, let kind = wanted, ["flat", "chunks"].contains(words[1]),
    let total = UInt64(words[3]), let chunkByteCount = UInt64(words[4]), chunkByteCount > 0
else {
    leave("usage: send-path auto|uring|sendfile|copy flat|chunks FOLDER TOTAL CHUNK", code: 64)
}
do {
    let run = try SendRun(kind, isFlat: isFlat, folder: words[2], total: total, chunkByteCount: chunkByteCount)
    let (cpuSeconds, wallSeconds) = try run.measure()
    try Array("{\"transport\":\"\(words[0])\",\"cpuSeconds\":\(cpuSeconds),\"wallSeconds\":\(wallSeconds)}\n".utf8)
        .withUnsafeBytes { try Console.write($0, to: 1) }
} catch {
    leave("send-path: \(error)", code: 1)
}

func leave(_ line: String, code: CInt) -> Never {
    try? Array((line + "\n").utf8).withUnsafeBytes { try Console.write($0, to: 2) }
    exit(code)
}
