import MillraceIO
import MillraceWire

/// Why a connection ended.
enum ConnectionEnd: Error {
    /// The other side closed, said goodbye, or was lost.
    case closed(String)
    case saidGoodbye(GoodbyeCode, String)
    /// The other side broke the protocol.
    case peerFault(WireError)
    /// This side has decided to end it.
    case ended(GoodbyeCode, String)
    /// The node can't go on.
    case failed(NodeFailure)
}

/// What a chunk that is about to arrive is for.
enum ChunkReception {
    /// Take it into a buffer of the pool, verify it against this digest and hand it over.
    case keep(Digest, BufferPool)
    /// Read past it.
    case discard
}

/// What the two sides of a conversation do differently; everything that is the same is in `Connection`.
protocol ConnectionHandler: AnyObject {
    /// The connection is up: the first frames may be posted.
    func began(now: UInt64) throws(ConnectionEnd)
    func received(_ message: Message, now: UInt64) throws(ConnectionEnd)
    func willReceive(_ header: FrameHeader) throws(ConnectionEnd) -> ChunkReception
    /// A chunk that was kept is whole, and its digest is right or not. The bytes are valid during the call only.
    func received(
        _ header: FrameHeader, _ bytes: UnsafeRawBufferPointer, isGenuine: Bool, now: UInt64
    ) throws(ConnectionEnd)
    func discarded(_ header: FrameHeader, now: UInt64)
    /// Where the chunk to send lies; nil if it is not there.
    func payload(of chunk: ChunkID) -> FilePayload?
    /// The chunk has been handed to the socket.
    func sent(_ order: Link.ChunkOrder, now: UInt64)
    /// A chunk that was to be sent can't be read.
    func unreadable(_ chunk: ChunkID, _ fault: SendFault)
    /// Posts news that are due (additions, digests); returns when the next are, nil if there are none to come.
    func postNews(before chunk: ChunkID?, now: UInt64) -> UInt64?
}

/// One connection and its thread: one wait point, a reader, a transport, and a handler that knows what to say.
final class Connection<Handler: ConnectionHandler> {
    private let socket: Socket
    private let link: Link
    private let transport: any Transport
    private let handler: Handler
    private var receiver = FrameReceiver()
    /// Chunk orders not yet given to the transport, and those it has, in order.
    private var orders: [Link.ChunkOrder] = []
    private var underWay: [Link.ChunkOrder] = []
    private var liveness: Liveness
    /// Control bytes given to the transport since it was last empty.
    private var unsentControlByteCount = 0
    /// The socket may have something to read: it said so, or has not been asked since.
    private var isReadable = true

    init(socket: consuming Socket, link: Link, transport: any Transport, handler: Handler) {
        self.socket = socket
        self.link = link
        self.transport = transport
        self.handler = handler
        liveness = Liveness(now: MonotonicClock.nowNanoseconds)
    }

    /// Runs until the connection ends, and says why. Sends a goodbye where the other side should know.
    func run() -> ConnectionEnd {
        do throws(ConnectionEnd) {
            try handler.began(now: MonotonicClock.nowNanoseconds)
            while true { try turn() }
        } catch {
            sayGoodbye(error)
            socket.shutdown()
            return error
        }
    }

    private func turn() throws(ConnectionEnd) {
        var now = MonotonicClock.nowNanoseconds
        try takeMail()
        let newsAt = try feedTransport(now: now)
        let isFlushed = try flush(now: now)
        if isFlushed { unsentControlByteCount = 0 }
        // Who asks without reading the answers is not read either until it does.
        let takesMore = unsentControlByteCount <= NodeLimits.unsentControlByteCount
        if takesMore, isReadable, try receive(now: now) { return }
        now = MonotonicClock.nowNanoseconds
        let pingAt = try liveness.check(now: now, isEstablished: receiver.isEstablished) { token in
            _ = link.post(.ping(token))
        }
        guard link.park(waitsForNews: newsAt == nil) else { return }
        defer { link.unpark() }
        receiver.willWait(on: socket)
        do throws(SystemError) {
            let ready = try WaitPoint.wait(
                socket: socket.descriptor, forReading: takesMore, forWriting: !isFlushed, wake: link.wake,
                untilNanoseconds: min(newsAt ?? .max, pingAt))
            if !ready.isDisjoint(with: [.readable, .failed]) { isReadable = true }
        } catch {
            throw .closed("\(error)")
        }
    }

    private func enqueue(_ control: [UInt8]) {
        guard !control.isEmpty else { return }
        unsentControlByteCount += control.count
        transport.enqueue(bytes: control)
    }

    private func takeMail() throws(ConnectionEnd) {
        let mail = link.take()
        enqueue(mail.control)
        orders.append(contentsOf: mail.chunks)
        guard orders.count <= NodeLimits.clientQueueCount else { throw .peerFault(.limitExceeded(limit: "requests")) }
        for chunk in mail.cancels { cancel(chunk) }
        if let goodbye = mail.goodbye { throw .ended(goodbye.code, goodbye.reason) }
    }

    /// Gives the transport news and a bounded number of chunks: what it has can't be rearranged any more.
    private func feedTransport(now: UInt64) throws(ConnectionEnd) -> UInt64? {
        let count = min(orders.count, NodeLimits.transportQueueCount - underWay.count)
        let next = orders.prefix(max(0, count))
        link.looksForNews()
        let newsAt = handler.postNews(before: next.map(\.chunk).max(), now: now)
        let news = link.take()
        enqueue(news.control)
        orders.append(contentsOf: news.chunks)
        if let goodbye = news.goodbye { throw .ended(goodbye.code, goodbye.reason) }
        for order in next {
            guard let payload = handler.payload(of: order.chunk) else {
                enqueue(Message.reject(order.chunk, .notHeld).frame)
                continue
            }
            var header: [UInt8] = []
            FrameHeader(type: order.type, chunk: order.chunk, payloadByteCount: payload.byteCount).append(to: &header)
            transport.enqueue(header: header, payload: payload, tag: order.chunk)
            underWay.append(order)
        }
        orders.removeFirst(next.count)
        for chunk in news.cancels { cancel(chunk) }
        return newsAt
    }

    /// True when everything is with the kernel.
    private func flush(now: UInt64) throws(ConnectionEnd) -> Bool {
        guard transport.queuedCount > 0 else { return true }
        while true {
            do throws(SendFault) {
                let isFlushed = try transport.send(on: socket) { tag in
                    guard let index = underWay.firstIndex(where: { $0.chunk == tag }) else { return }
                    liveness.sent(now: MonotonicClock.nowNanoseconds)
                    handler.sent(underWay.remove(at: index), now: MonotonicClock.nowNanoseconds)
                }
                return isFlushed
            } catch {
                try recover(from: error)
            }
        }
    }

    /// A chunk that can't be read is refused; a stream that was cut within a frame is lost.
    private func recover(from fault: SendFault) throws(ConnectionEnd) {
        switch fault {
        case .socket(let error): throw .closed("\(error)")
        case .source(_, let tag), .sourceShrank(let tag):
            underWay.removeAll { $0.chunk == tag }
            handler.unreadable(tag, fault)
            if transport.isBroken { throw .ended(.sourceFailed, "chunk \(tag) can't be read") }
            enqueue(Message.reject(tag, .unreadable).frame)
        }
    }

    /// Every request has one answer: a chunk that was begun goes on, any other is refused.
    private func cancel(_ chunk: ChunkID) {
        if let index = orders.firstIndex(where: { $0.chunk == chunk }) {
            orders.remove(at: index)
        } else if transport.drop(tag: chunk) {
            underWay.removeAll { $0.chunk == chunk }
        } else {
            return
        }
        enqueue(Message.reject(chunk, .cancelled).frame)
    }

    /// Reads what has arrived, up to one buffer; false when nothing has.
    private func receive(now: UInt64) throws(ConnectionEnd) -> Bool {
        do throws(SystemError) {
            guard try receiver.fill(from: socket) else {
                isReadable = false
                return false
            }
        } catch {
            throw .closed("\(error)")
        }
        liveness.received(now: now)
        if receiver.isClosed { throw .closed("the other side closed the connection") }
        // Less than there was room for: the socket is empty, and says so when it no longer is.
        isReadable = !receiver.isDrained
        do throws(WireError) {
            while pendingEnd == nil, let event = try receiver.next() { handleKeepingEnd(event, now: now) }
        } catch {
            throw .peerFault(error)
        }
        if let end = pendingEnd { throw end }
        return true
    }

    /// The end that a handler asked for while frames were read, carried past the reader's own error type.
    private var pendingEnd: ConnectionEnd?

    private func handleKeepingEnd(_ event: FrameReceiver.Event, now: UInt64) {
        do throws(ConnectionEnd) {
            try handle(event, now: now)
        } catch {
            pendingEnd = error
        }
    }

    private func handle(_ event: FrameReceiver.Event, now: UInt64) throws(ConnectionEnd) {
        switch event {
        case .message(.ping(let token)): _ = link.post(.pong(token))
        case .message(.pong): break
        case .message(.goodbye(let code, let reason)): throw .saidGoodbye(code, reason)
        case .message(let message): try handler.received(message, now: now)
        case .chunkBegins(let header):
            switch try handler.willReceive(header) {
            case .keep(let digest, let pool): receiver.keep(expecting: digest, in: pool)
            case .discard: receiver.discard()
            }
        case .chunkKept(let header, let isGenuine):
            defer { receiver.release() }
            try handler.received(
                header, receiver.chunkBytes, isGenuine: isGenuine, now: MonotonicClock.nowNanoseconds)
        case .chunkDiscarded(let header): handler.discarded(header, now: now)
        }
    }

    /// The last word, as far as the socket takes it at once.
    private func sayGoodbye(_ end: ConnectionEnd) {
        let message: Message
        switch end {
        case .closed, .saidGoodbye: return
        case .peerFault(let fault): message = .goodbye(fault.goodbyeCode, reason: fault.description)
        case .ended(let code, let reason): message = .goodbye(code, reason: reason)
        case .failed: message = .goodbye(.leaving, reason: "this node has failed")
        }
        let mail = link.take()
        transport.enqueue(bytes: mail.control + message.frame)
        let deadline = MonotonicClock.nowNanoseconds + NodeLimits.goodbyeNanoseconds
        while let isFlushed = try? transport.send(on: socket, completed: { _ in }), !isFlushed {
            guard MonotonicClock.nowNanoseconds < deadline else { return }
            let ready = try? WaitPoint.wait(
                socket: socket.descriptor, forReading: false, forWriting: true, wake: nil, untilNanoseconds: deadline)
            guard ready?.contains(.writable) == true else { return }
        }
        socket.finishSending(untilNanoseconds: deadline)
    }
}
