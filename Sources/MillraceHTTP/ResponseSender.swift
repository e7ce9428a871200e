import MillraceIO
import MillraceNode

/// Sends one answer: its head, then its parts, those of the file straight from the disk and a few pieces at a time, so
/// that memory stays the same whatever the file's size.
struct ResponseSender: ~Copyable {
    enum Outcome { case sent, broken }

    private let transport: any Transport
    private let counters: HTTPCounters
    private let node: any ObservableNode
    /// Parts still to be given to the transport.
    private var parts: ArraySlice<HTTPResponse.Part>
    private let file: ServedFile?
    private var rates: ConnectionRates
    /// Bytes of the pieces the transport has, in order.
    private var pieces: [UInt64] = []

    init(_ response: HTTPResponse, head: [UInt8], hasBody: Bool, node: any ObservableNode, counters: HTTPCounters) {
        transport = node.sendsBy == .copy ? CopyTransport() : SendfileTransport()
        self.node = node
        self.counters = counters
        file = response.file
        rates = ConnectionRates(serving: node.rates)
        parts = hasBody ? response.body[...] : []
        var bytes = head
        // What is in memory leaves together with the head.
        while case .bytes(let more)? = parts.first {
            bytes += more
            parts = parts.dropFirst()
            counters.sent(UInt64(more.count))
        }
        rates.charge(bytes.count)
        transport.enqueue(bytes: bytes)
    }

    /// Runs until all is with the kernel, the reader is gone or takes nothing, or `isOver` says so.
    mutating func run(
        on socket: borrowing Socket, wake: WakeUp, stallNanoseconds: UInt64, isOver: () -> Bool
    ) -> Outcome {
        while true {
            fill(on: socket)
            guard transport.queuedCount > 0 else {
                guard let turn = rates.sendsAt else { return .sent }
                if isOver() { return .broken }
                waitForTurn(wake, until: turn)
                continue
            }
            var sentByteCount: UInt64 = 0
            var left = pieces[...]
            guard
                let isFlushed = try? transport.send(
                    on: socket,
                    completed: { _ in
                        sentByteCount += left.popFirst() ?? 0
                    })
            else { return .broken }
            pieces = Array(left)
            if sentByteCount > 0 {
                counters.sent(sentByteCount)
                node.noteServed()
            }
            if isOver() { return .broken }
            if isFlushed { continue }
            guard wait(for: socket, wake, stallNanoseconds) else { return .broken }
        }
    }

    private func waitForTurn(_ wake: WakeUp, until deadline: UInt64) {
        _ = try? WaitPoint.wait(
            socket: -1, forReading: false, forWriting: false, wake: wake, untilNanoseconds: deadline)
    }

    private func wait(for socket: borrowing Socket, _ wake: WakeUp, _ stallNanoseconds: UInt64) -> Bool {
        let ready = try? WaitPoint.wait(
            socket: socket.descriptor, forReading: false, forWriting: true, wake: wake,
            untilNanoseconds: MonotonicClock.nowNanoseconds + stallNanoseconds)
        // It has taken a good part of what the socket held.
        if ready?.contains(.writable) == true { node.noteServed() }
        return ready.map { !$0.isEmpty } ?? false
    }

    /// Gives the transport more, as far as the node's limit allows.
    private mutating func fill(on socket: borrowing Socket) {
        while transport.queuedCount < HTTPLimits.pieceCount, let part = parts.first {
            switch part {
            case .bytes(let bytes):
                transport.enqueue(bytes: bytes)
                rates.charge(bytes.count)
                counters.sent(UInt64(bytes.count))
                parts = parts.dropFirst()
            case .file(let range):
                guard let file, !range.isEmpty else {
                    parts = parts.dropFirst()
                    continue
                }
                let piece = file.piece(
                    at: range.lowerBound, atMost: min(UInt64(range.count), pieceByteCount(of: file)))
                let now = MonotonicClock.nowNanoseconds
                guard rates.admit(CollectionOfOne(piece.byteCount), now: now, on: socket) == 1 else { return }
                transport.enqueue(header: [], payload: piece, tag: 0)
                pieces.append(UInt64(piece.byteCount))
                let rest = (range.lowerBound + UInt64(piece.byteCount))..<range.upperBound
                parts = rest.isEmpty ? parts.dropFirst() : [.file(rest)] + parts.dropFirst()
            }
        }
    }

    /// Under a limit no more than a chunk, so that a download takes turns with the node's peers as one of them.
    private func pieceByteCount(of file: ServedFile) -> UInt64 {
        guard rates.limitsChunks else { return HTTPLimits.pieceByteCount }
        return min(HTTPLimits.pieceByteCount, UInt64(file.layout.chunkByteCount))
    }
}
