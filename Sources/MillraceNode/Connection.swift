import MillraceIO
import MillraceWire

/// One connection and its thread: one wait point, a reader, a transport, and a handler that knows what to say.
final class Connection<Handler: ConnectionHandler> {
    private let socket: Socket
    private let link: Link
    private let transport: any Transport
    private let handler: Handler
    private var receiver = FrameReceiver()
    /// Chunk orders not yet given to the transport, and those it has, in order.
    private var orders: [Link.ChunkOrder] = []
    private var underWay: [(order: Link.ChunkOrder, byteCount: Int)] = []
    private var liveness: Liveness
    /// Where chunks are to be bound late: how much the socket may hold unsent.
    private var unsentLimit: UnsentLimit?
    /// Control bytes given to the transport since it was last empty.
    private var unsentControlByteCount = 0
    private var rates: ConnectionRates
    /// Until when chunks wait because no descriptor was to be had for one.
    private var scarceUntil: UInt64 = 0
    /// The socket may have something to read: it said so, or has not been asked since.
    private var isReadable = true

    init(
        socket: consuming Socket, link: Link, transport: any Transport, handler: Handler,
        rates: consuming ConnectionRates = ConnectionRates(), bindsLate: Bool = false
    ) {
        self.socket = socket
        self.link = link
        self.transport = transport
        self.handler = handler
        self.rates = rates
        liveness = Liveness(now: MonotonicClock.nowNanoseconds)
        guard bindsLate else { return }
        unsentLimit = UnsentLimit()
        self.socket.setUnsentLimit(byteCount: UnsentLimit.leastByteCount)
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
        // Nothing new for who does not take what there is: it would only wait here.
        let isHeldBack = unsentControlByteCount > unsentControlLimit
        let newsAt = isHeldBack ? .max : try feedTransport(now: now)
        let isFlushed = try flush(now: now)
        if isFlushed {
            unsentControlByteCount = 0
            liveness.flushed()
        }
        if isFlushed, isHeldBack { return }
        // Who asks without reading the answers is not read either until it does.
        let takesMore = unsentControlByteCount <= unsentControlLimit
        let readAt = takesMore && isReadable ? rates.readsAt(now: now) : nil
        if takesMore, isReadable, readAt == nil {
            if try receive(now: now) { return }
        } else if receiver.settle() {
            return try handleEvents(now: now)
        }
        now = MonotonicClock.nowNanoseconds
        let pingAt = try liveness.check(now: now, isEstablished: handler.isIntroduced) { token in
            _ = link.post(.ping(token))
        }
        guard link.park(waitsForNews: newsAt == nil) else { return }
        defer { link.unpark() }
        let forReading = takesMore && readAt == nil
        if forReading { receiver.willWait(on: socket) }
        let until = min(newsAt ?? .max, pingAt, readAt ?? .max, isHeldBack ? .max : rates.sendsAt ?? .max)
        do throws(SystemError) {
            // A socket that nothing is wanted of would end the wait at once if the other side has hung up.
            let ready = try WaitPoint.wait(
                socket: forReading || !isFlushed ? socket.descriptor : -1, forReading: forReading,
                forWriting: !isFlushed, wake: link.wake, untilNanoseconds: until)
            if ready.contains(.writable) { liveness.sent(now: MonotonicClock.nowNanoseconds) }
            if !ready.isDisjoint(with: [.readable, .failed]) { isReadable = true }
        } catch {
            throw .closed("\(error)")
        }
    }

    private var unsentControlLimit: Int { NodeLimits.unsentControlByteCount(chunkCount: handler.chunkCount) }

    private func enqueue(_ control: [UInt8]) {
        guard !control.isEmpty else { return }
        unsentControlByteCount += control.count
        rates.charge(control.count)
        transport.enqueue(bytes: control)
    }

    private func takeMail() throws(ConnectionEnd) {
        let mail = link.take()
        enqueue(mail.control)
        guard unsentControlByteCount <= NodeLimits.unreadTimes * unsentControlLimit else {
            throw .ended(.limitExceeded, "the other side does not read")
        }
        orders.append(contentsOf: mail.chunks)
        guard orders.count <= NodeLimits.clientQueueCount else { throw .peerFault(.limitExceeded(limit: "requests")) }
        for chunk in mail.cancels { cancel(chunk) }
        if let goodbye = mail.goodbye { throw .ended(goodbye.code, goodbye.reason) }
    }

    /// Gives the transport news and a bounded number of chunks: what it has can't be rearranged any more.
    private func feedTransport(now: UInt64) throws(ConnectionEnd) -> UInt64? {
        link.looksForNews()
        let newsAt = handler.postNews(now: now)
        let news = link.take()
        enqueue(news.control)
        orders.append(contentsOf: news.chunks)
        if let goodbye = news.goodbye { throw .ended(goodbye.code, goodbye.reason) }
        defer { for chunk in news.cancels { cancel(chunk) } }
        guard now >= scarceUntil else { return min(newsAt ?? .max, scarceUntil) }
        let count = min(orders.count, NodeLimits.transportQueueCount - underWay.count)
        let covered = handler.coveredChunkCount
        let ready = orders.prefix(max(0, count)).prefix { $0.chunk < covered }
        let next = orders.prefix(admitted(ready.count, now: now))
        for var order in next {
            order.began = now
            guard let payload = handler.payload(of: order.chunk) else {
                enqueue(Message.reject(order.chunk, .notHeld).frame)
                continue
            }
            var header: [UInt8] = []
            FrameHeader(type: order.type, chunk: order.chunk, payloadByteCount: payload.byteCount).append(to: &header)
            transport.enqueue(header: header, payload: payload, tag: order.chunk)
            underWay.append((order, payload.byteCount))
        }
        orders.removeFirst(next.count)
        return newsAt
    }

    /// How many of the first chunk orders may leave now.
    private func admitted(_ count: Int, now: UInt64) -> Int {
        guard rates.limitsChunks else { return count }
        let lengths = orders.lazy.prefix(max(0, count)).map { self.handler.payload(of: $0.chunk)?.byteCount ?? 0 }
        return rates.admit(lengths, now: now, on: socket)
    }

    /// True when everything is with the kernel.
    private func flush(now: UInt64) throws(ConnectionEnd) -> Bool {
        guard transport.queuedCount > 0 else { return true }
        while true {
            do throws(SendFault) {
                return try transport.send(on: socket) { tag in completed(tag) }
            } catch {
                try recover(from: error)
            }
        }
    }

    /// The transport has handed a chunk to the kernel.
    private func completed(_ tag: UInt32) {
        guard let index = underWay.firstIndex(where: { $0.order.chunk == tag }) else { return }
        let now = MonotonicClock.nowNanoseconds
        liveness.sent(now: now)
        let (order, byteCount) = underWay.remove(at: index)
        if let limit = unsentLimit?.sent(byteCount, now: now) {
            socket.setUnsentLimit(byteCount: limit)
        }
        handler.sent(order, now: now)
    }

    /// A chunk that can't be read is refused; a stream that was cut within a frame is lost.
    private func recover(from fault: SendFault) throws(ConnectionEnd) {
        switch fault {
        case .socket(let error): throw .closed("\(error)")
        case .source(let error, let tag) where error.isDescriptorShortage: postpone(tag)
        case .source(_, let tag), .sourceShrank(let tag):
            let isGrant = underWay.contains { $0.order.chunk == tag && $0.order.type == .grant }
            underWay.removeAll { $0.order.chunk == tag }
            handler.unreadable(tag, fault)
            // A request has an answer, a credit none but its chunk.
            if transport.isBroken || isGrant { throw .ended(.sourceFailed, "chunk \(tag) can't be read") }
            enqueue(Message.reject(tag, .unreadable).frame)
        }
    }

    /// No descriptor is free for a chunk's file: it stays first in the queue, and those behind it behind it.
    private func postpone(_ chunk: ChunkID) {
        let back = underWay.map(\.order).filter { $0.chunk == chunk || transport.drop(tag: $0.chunk) }
        underWay.removeAll { back.contains($0.order) }
        orders.insert(contentsOf: back, at: 0)
        scarceUntil = MonotonicClock.nowNanoseconds + NodeLimits.scarcityNanoseconds
    }

    /// Every request has one answer: a chunk that was begun goes on, any other is refused.
    private func cancel(_ chunk: ChunkID) {
        if let index = orders.firstIndex(where: { $0.chunk == chunk }) {
            orders.remove(at: index)
        } else if transport.drop(tag: chunk) {
            underWay.removeAll { $0.order.chunk == chunk }
        } else {
            return
        }
        enqueue(Message.reject(chunk, .cancelled).frame)
    }

    /// Reads what has arrived, up to one buffer; false when nothing has.
    private func receive(now: UInt64) throws(ConnectionEnd) -> Bool {
        do throws(SystemError) {
            guard try receiver.fill(from: socket, atMost: rates.readByteCount) else {
                rates.hasRead(0)
                isReadable = false
                return false
            }
            rates.hasRead(receiver.lastReadByteCount)
        } catch {
            throw .closed("\(error)")
        }
        liveness.received(now: now)
        if receiver.isClosed { throw .closed("the other side closed the connection") }
        // Less than there was room for: the socket is empty, and says so when it no longer is. It is asked once more
        // where a chunk waits for another to be hashed with.
        isReadable = !receiver.isDrained || receiver.holdsChunk
        try handleEvents(now: now)
        return true
    }

    private func handleEvents(now: UInt64) throws(ConnectionEnd) {
        do throws(WireError) {
            while pendingEnd == nil, let event = try receiver.next() { handleKeepingEnd(event, now: now) }
        } catch {
            throw .peerFault(error)
        }
        if let end = pendingEnd { throw end }
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
        case .message(.ping(let token)):
            try liveness.pinged()
            _ = link.post(.pong(token))
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
