import MillraceIO
import MillraceNode

/// One connection and its thread: reads a request, answers it, and reads the next.
struct HTTPConnection {
    let router: Router
    let counters: HTTPCounters
    let node: any ObservableNode
    let patience: HTTPPatience
    /// Ends this connection's waits when the server ends.
    let wake: WakeUp
    /// The server takes no more requests, and has none to spare time for.
    let isEnding: () -> Bool
    let isOver: () -> Bool

    func run(on socket: borrowing Socket) {
        socket.setUnsentLimit(byteCount: HTTPLimits.unsentByteCount)
        var reader = RequestReader()
        while !isEnding() {
            let request: HTTPRequest
            do throws(HTTPFault) {
                guard let next = try read(&reader, from: socket) else { return }
                request = next
            } catch {
                return refuse(error, on: socket)
            }
            let keeps = request.keepsConnection && !isEnding()
            let response = router.answer(request)
            guard send(response, on: socket, hasBody: request.method != "HEAD", keeps: keeps), keeps else {
                return socket.finishSending(
                    untilNanoseconds: MonotonicClock.nowNanoseconds + HTTPLimits.closeNanoseconds)
            }
        }
    }

    /// Nil when the other side has closed, been idle for long, or gone.
    private func read(_ reader: inout RequestReader, from socket: borrowing Socket) throws(HTTPFault) -> HTTPRequest? {
        let buffer = PooledBuffer(byteCount: HTTPLimits.headByteCount)
        var deadline: UInt64?
        let idleUntil = MonotonicClock.nowNanoseconds + patience.idleNanoseconds
        while true {
            if let request = try reader.next() { return request }
            if reader.hasBegun, deadline == nil {
                deadline = MonotonicClock.nowNanoseconds + patience.requestNanoseconds
            }
            let until = deadline ?? idleUntil
            switch try? socket.receive(into: buffer.bytes) {
            case .bytes(let count): reader.append(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count]))
            case .closed, nil: return nil
            case .wouldBlock:
                let ready = try? WaitPoint.wait(
                    socket: socket.descriptor, forReading: true, forWriting: false, wake: wake,
                    untilNanoseconds: until)
                guard let ready, !isEnding() else { return nil }
                guard ready.isEmpty else { continue }
            }
            guard MonotonicClock.nowNanoseconds < until else {
                if deadline == nil { return nil }
                throw HTTPFault(.requestTimeout, "the request took too long")
            }
        }
    }

    private func refuse(_ fault: HTTPFault, on socket: borrowing Socket) {
        _ = send(HTTPResponse(fault), on: socket, hasBody: true, keeps: false)
        socket.finishSending(untilNanoseconds: MonotonicClock.nowNanoseconds + HTTPLimits.closeNanoseconds)
    }

    private func send(_ response: HTTPResponse, on socket: borrowing Socket, hasBody: Bool, keeps: Bool) -> Bool {
        counters.answered(response.status)
        let head = response.head(date: WallClock.now.seconds, keepsConnection: keeps)
        var sender = ResponseSender(response, head: head, hasBody: hasBody, node: node, counters: counters)
        return sender.run(
            on: socket, wake: wake, stallNanoseconds: patience.stallNanoseconds, isOver: isOver) == .sent
    }
}
