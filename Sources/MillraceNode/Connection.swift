import MillraceIO
import MillraceWire

/// One connection and its thread: one wait point, a reader, an outbox, and a handler that knows what to say.
struct Connection<Handler: ConnectionHandler>: ~Copyable {
    private let socket: Socket
    private let link: Link
    private let handler: Handler
    private var receiver = FrameReceiver()
    private var outbox: Outbox<Handler>
    private var liveness: Liveness
    private var rates: ConnectionRates
    /// The socket may have something to read: it said so, or has not been asked since.
    private var isReadable = true

    init(
        socket: consuming Socket, link: Link, transport: any Transport, handler: Handler,
        rates: consuming ConnectionRates = ConnectionRates(), bindsLate: Bool = false
    ) {
        self.socket = socket
        self.link = link
        self.handler = handler
        self.rates = rates
        outbox = Outbox(link: link, transport: transport, handler: handler, bindsLate: bindsLate)
        liveness = Liveness(now: MonotonicClock.nowNanoseconds)
    }

    /// Runs until the connection ends, and says why. Sends a goodbye where the other side should know.
    mutating func run() -> ConnectionEnd {
        do throws(ConnectionEnd) {
            try handler.began(now: MonotonicClock.nowNanoseconds)
            while true { try turn() }
        } catch {
            if let goodbye = error.goodbye { outbox.sayGoodbye(goodbye, on: socket) }
            socket.shutdown()
            return error
        }
    }

    private mutating func turn() throws(ConnectionEnd) {
        var now = MonotonicClock.nowNanoseconds
        try outbox.takeMail(&rates)
        // Nothing new for who does not take what there is: it would only wait here.
        let isHeldBack = outbox.isHeldBack
        let newsAt = isHeldBack ? .max : try outbox.feed(on: socket, now: now, &rates)
        let isFlushed = try outbox.flush(on: socket, &rates)
        if isFlushed { liveness.flushed() }
        if isFlushed, isHeldBack || outbox.isCutShort { return }
        // Who asks without reading the answers is not read either until it does.
        let takesMore = !outbox.isHeldBack
        let readAt = takesMore && isReadable ? rates.readsAt(now: now) : nil
        if takesMore, isReadable, readAt == nil {
            if try receive(now: now) { return }
        } else if receiver.settle() {
            return try handleEvents(now: now)
        }
        now = MonotonicClock.nowNanoseconds
        liveness.sent(now: outbox.lastSent)
        let link = link
        let pingAt = try liveness.check(now: now, isEstablished: handler.isIntroduced) { token in
            _ = link.post(.ping(token))
        }
        guard link.park(waitsForNews: newsAt == nil) else { return }
        defer { link.unpark() }
        let sendsAt = isHeldBack ? .max : rates.sendsAt ?? .max
        let until = min(newsAt ?? .max, pingAt, readAt ?? .max, sendsAt)
        try wait(forReading: takesMore && readAt == nil, forWriting: !isFlushed, until: until)
    }

    private mutating func wait(forReading: Bool, forWriting: Bool, until: UInt64) throws(ConnectionEnd) {
        if forReading { receiver.willWait(on: socket) }
        do throws(SystemError) {
            // A socket that nothing is wanted of would end the wait at once if the other side has hung up.
            let ready = try WaitPoint.wait(
                socket: forReading || forWriting ? socket.descriptor : -1, forReading: forReading,
                forWriting: forWriting, wake: link.wake, untilNanoseconds: until)
            if ready.contains(.writable) { liveness.sent(now: MonotonicClock.nowNanoseconds) }
            if !ready.isDisjoint(with: [.readable, .failed]) { isReadable = true }
        } catch {
            throw .closed("\(error)")
        }
    }

    /// Reads what has arrived, up to one buffer; false when nothing has.
    private mutating func receive(now: UInt64) throws(ConnectionEnd) -> Bool {
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

    private mutating func handleEvents(now: UInt64) throws(ConnectionEnd) {
        do throws(WireError) {
            while pendingEnd == nil, let event = try receiver.next() { handleKeepingEnd(event, now: now) }
        } catch {
            throw .peerFault(error)
        }
        if let end = pendingEnd { throw end }
    }

    /// The end that a handler asked for while frames were read, carried past the reader's own error type.
    private var pendingEnd: ConnectionEnd?

    private mutating func handleKeepingEnd(_ event: FrameReceiver.Event, now: UInt64) {
        do throws(ConnectionEnd) {
            try handle(event, now: now)
        } catch {
            pendingEnd = error
        }
    }

    private mutating func handle(_ event: FrameReceiver.Event, now: UInt64) throws(ConnectionEnd) {
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
            let now = MonotonicClock.nowNanoseconds
            if isGenuine, handler.writesBehind(header), let buffer = receiver.take() {
                return handler.takesOver(header, buffer, now: now)
            }
            defer { receiver.release() }
            try handler.received(header, receiver.chunkBytes, isGenuine: isGenuine, now: now)
        case .chunkDiscarded(let header): handler.discarded(header, now: now)
        }
    }
}

extension ConnectionEnd {
    /// What the other side should be told; nil where there is nobody to tell, or nothing.
    fileprivate var goodbye: Message? {
        switch self {
        case .closed, .saidGoodbye: nil
        case .peerFault(let fault): .goodbye(fault.goodbyeCode, reason: fault.description)
        case .ended(let code, let reason): .goodbye(code, reason: reason)
        case .failed: .goodbye(.leaving, reason: "this node has failed")
        }
    }
}
