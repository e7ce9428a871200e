import MillraceIO
import MillraceWire

/// What one connection has to send: control frames, and chunks that are given to the transport a few at a time, so that
/// those behind can still be cancelled.
struct Outbox<Handler: ConnectionHandler>: ~Copyable {
    private let link: Link
    private let transport: any Transport
    private let handler: Handler
    /// Chunk orders not yet given to the transport, and those it has, in order.
    private var orders: [Link.ChunkOrder] = []
    private var underWay: [(order: Link.ChunkOrder, byteCount: Int)] = []
    /// Chunks are bound as late as the link allows: the socket may hold little unsent.
    private let bindsLate: Bool
    /// How much the socket holds follows what it carries, from the first chunk on.
    private var gauge: SendGauge?
    /// Among the node's connections that send chunks, from the first chunk on.
    private var place: SendPlace?
    /// Control bytes given to the transport since it was last empty.
    private var unsentControlByteCount = 0
    /// Until when chunks wait because no descriptor was to be had for one.
    private var scarceUntil: UInt64 = 0
    /// The transport got all it may have at a time, and more wait: once it is empty there is something to feed again.
    private(set) var isCutShort = false
    /// When the socket last took a whole chunk.
    private(set) var lastSent: UInt64 = 0

    init(link: Link, transport: any Transport, handler: Handler, bindsLate: Bool) {
        self.link = link
        self.transport = transport
        self.handler = handler
        self.bindsLate = bindsLate
    }

    private var unsentControlLimit: Int { NodeLimits.unsentControlByteCount(chunkCount: handler.chunkCount) }

    /// The other side does not take what there is: nothing new is for it, and it is not read.
    var isHeldBack: Bool { unsentControlByteCount > unsentControlLimit }

    /// Takes what others want sent.
    mutating func takeMail(_ rates: inout ConnectionRates) throws(ConnectionEnd) {
        let mail = link.take()
        guard !mail.isEmpty else { return }
        enqueue(mail.control, &rates)
        guard unsentControlByteCount <= NodeLimits.unreadTimes * unsentControlLimit else {
            throw .ended(.limitExceeded, "the other side does not read")
        }
        orders.append(contentsOf: mail.chunks)
        guard orders.count <= NodeLimits.clientQueueCount else { throw .peerFault(.limitExceeded(limit: "requests")) }
        for chunk in mail.cancels { cancel(chunk, &rates) }
        if let goodbye = mail.goodbye { throw .ended(goodbye.code, goodbye.reason) }
    }

    /// Takes news that are due, and gives the transport a bounded number of chunks: what it has can't be rearranged any
    /// more. Returns when to look again, nil if there is nothing to come.
    mutating func feed(
        on socket: borrowing Socket, now: UInt64, _ rates: inout ConnectionRates
    ) throws(ConnectionEnd) -> UInt64? {
        isCutShort = false
        link.looksForNews()
        let newsAt = handler.postNews(now: now)
        try takeMail(&rates)
        if let limits = gauge?.asked(roomTimes: handler.roomTimes) { apply(limits, on: socket) }
        // What was begun may have been cancelled since.
        if underWay.isEmpty { place?.rested(now: now) }
        // A limited connection with nothing to send gives its turn to others.
        guard !orders.isEmpty || rates.limitsChunks else { return newsAt }
        guard now >= scarceUntil else { return min(newsAt ?? .max, scarceUntil) }
        let covered = handler.coveredChunkCount
        let free = max(0, NodeLimits.transportQueueCount - underWay.count)
        let ready = orders.prefix(free).prefix { $0.chunk < covered }.count
        let admitted = admitted(ready, now: now, on: socket, &rates)
        for index in 0..<admitted { hand(orders[index], now: now, &rates) }
        if !underWay.isEmpty { begin(now: now, on: socket, rates.share) }
        orders.removeFirst(admitted)
        isCutShort = admitted == ready && ready == free && !orders.isEmpty
        return newsAt
    }

    private mutating func begin(now: UInt64, on socket: borrowing Socket, _ share: SendShare) {
        let place = place ?? SendPlace(share: share)
        self.place = place
        place.began(now: now)
        guard gauge == nil else { return }
        let gauge = SendGauge(segmentByteCount: socket.segmentByteCount, share: share)
        apply(gauge.current, on: socket)
        self.gauge = gauge
    }

    private func apply(_ limits: SendLimits, on socket: borrowing Socket) {
        socket.setQueueLimit(byteCount: limits.queueByteCount)
        transport.callByteCount = limits.callByteCount
        transport.limitByteCount = limits.queueByteCount ?? .max
        if bindsLate { socket.setUnsentLimit(byteCount: limits.unsentByteCount) }
    }

    private mutating func hand(_ order: Link.ChunkOrder, now: UInt64, _ rates: inout ConnectionRates) {
        var order = order
        order.began = now
        guard let payload = handler.payload(of: order.chunk) else {
            return enqueue(Message.reject(order.chunk, .notHeld).frame, &rates)
        }
        var header: [UInt8] = []
        if let proof = handler.proof(of: order.chunk) {
            header.reserveCapacity(2 * WireLimits.frameHeaderByteCount + proof.count * WireLimits.digestByteCount)
            Message.proof(order.chunk, proof).append(to: &header)
        } else {
            header.reserveCapacity(WireLimits.frameHeaderByteCount)
        }
        FrameHeader(type: order.type, chunk: order.chunk, payloadByteCount: payload.byteCount).append(to: &header)
        rates.charge(header.count)
        transport.enqueue(header: header, payload: payload, tag: order.chunk)
        underWay.append((order, payload.byteCount))
    }

    /// How many of the first chunk orders may leave now.
    private func admitted(
        _ count: Int, now: UInt64, on socket: borrowing Socket, _ rates: inout ConnectionRates
    ) -> Int {
        guard rates.limitsChunks else { return count }
        let handler = handler
        let lengths = orders.lazy.prefix(count).map { handler.payload(of: $0.chunk)?.byteCount ?? 0 }
        return rates.admit(lengths, now: now, on: socket)
    }

    /// True when everything is with the kernel.
    mutating func flush(on socket: borrowing Socket, _ rates: inout ConnectionRates) throws(ConnectionEnd) -> Bool {
        while transport.queuedCount > 0 {
            do throws(SendFault) {
                guard try transport.send(on: socket, completed: { tag in completed(tag, on: socket) }) else {
                    return false
                }
            } catch {
                try recover(from: error, &rates)
            }
        }
        unsentControlByteCount = 0
        return true
    }

    /// The transport has handed a chunk to the kernel.
    private mutating func completed(_ tag: UInt32, on socket: borrowing Socket) {
        guard let index = underWay.firstIndex(where: { $0.order.chunk == tag }) else { return }
        let now = MonotonicClock.nowNanoseconds
        lastSent = now
        let (order, byteCount) = underWay.remove(at: index)
        let limits = gauge?.sent(byteCount, now: now) { socket.leastRoundTripNanoseconds }
        if underWay.isEmpty { place?.rested(now: now) }
        if let limits { apply(limits, on: socket) }
        handler.sent(order, now: now)
    }

    /// A chunk that can't be read is refused; a stream that was cut within a frame is lost.
    private mutating func recover(from fault: SendFault, _ rates: inout ConnectionRates) throws(ConnectionEnd) {
        switch fault {
        case .socket(let error): throw .closed("\(error)")
        case .source(let error, let tag) where error.isDescriptorShortage: postpone(tag)
        case .source(_, let tag), .sourceShrank(let tag):
            let failed = underWay.firstIndex { $0.order.chunk == tag }.map { underWay.remove(at: $0).order }
            handler.unreadable(tag, fault)
            // Nothing may come in place of the bytes that are missing: the other side would take it for the chunk.
            if transport.isBroken { throw .closed("chunk \(tag) can't be read to its end") }
            // A request has an answer, a credit none but its chunk.
            if failed?.type == .grant { throw .ended(.sourceFailed, "chunk \(tag) can't be read") }
            enqueue(Message.reject(tag, .unreadable).frame, &rates)
        }
        if underWay.isEmpty { place?.rested(now: MonotonicClock.nowNanoseconds) }
    }

    /// No descriptor is free for a chunk's file: it stays first in the queue, and those behind it behind it.
    private mutating func postpone(_ chunk: ChunkID) {
        let transport = transport
        let back = underWay.map(\.order).filter { $0.chunk == chunk || transport.drop(tag: $0.chunk) }
        underWay.removeAll { back.contains($0.order) }
        orders.insert(contentsOf: back, at: 0)
        scarceUntil = MonotonicClock.nowNanoseconds + NodeLimits.scarcityNanoseconds
    }

    /// Every request has one answer: a chunk that was begun goes on, any other is refused. A grant is none of it.
    private mutating func cancel(_ chunk: ChunkID, _ rates: inout ConnectionRates) {
        if let index = orders.firstIndex(where: { $0.chunk == chunk && $0.type == .chunk }) {
            orders.remove(at: index)
        } else if let index = underWay.firstIndex(where: { $0.order.chunk == chunk }),
            underWay[index].order.type == .chunk, transport.drop(tag: chunk)
        {
            underWay.remove(at: index)
        } else {
            return
        }
        enqueue(Message.reject(chunk, .cancelled).frame, &rates)
    }

    /// The last word, as far as the socket takes it at once.
    func sayGoodbye(_ message: Message, on socket: borrowing Socket) {
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

    private mutating func enqueue(_ control: [UInt8], _ rates: inout ConnectionRates) {
        guard !control.isEmpty else { return }
        unsentControlByteCount += control.count
        rates.charge(control.count)
        transport.enqueue(bytes: control)
    }
}
