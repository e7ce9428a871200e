import Glibc

/// The next bytes of a send queue in one piece of memory: headers, control frames and short payloads, so that many of
/// them leave with one call. Payloads side by side in one file are read with one call too (preadv(2)).
final class GatherBuffer {
    /// A place in the buffer for the rest of a frame's payload.
    private struct Slot {
        let position: Int
        /// Where the frame's bytes begin, its header among them.
        let start: Int
        let range: Range<Int>
        let descriptor: CInt
        let offset: UInt64
    }

    private static let slotLimit = 256

    private let buffer: PooledBuffer
    private let payloadLimit: Int
    private let startsLongFrames: Bool
    private var unsent = 0..<0
    private var isMoreBehind = false
    private var slots: [Slot] = []
    private var vectors: [iovec] = []

    /// Payloads up to `payloadLimit` bytes are gathered. Of a longer one the header is if `startsLongFrames`, and
    /// nothing behind it.
    init(byteCount: Int, payloadLimit: Int, startsLongFrames: Bool) {
        precondition(payloadLimit + SendQueue.longestHeaderByteCount <= byteCount, "a short frame must fit")
        buffer = PooledBuffer(byteCount: byteCount)
        self.payloadLimit = payloadLimit
        self.startsLongFrames = startsLongFrames
    }

    /// Whether the first frame's next bytes leave from here: all but the payload of a long frame do, or all but long
    /// frames.
    func serves(_ frame: SendQueue.Frame) -> Bool {
        startsLongFrames && frame.sentHeaderCount < frame.header.count || !isLong(frame)
    }

    private func isLong(_ frame: SendQueue.Frame) -> Bool { (frame.payload?.byteCount ?? 0) > payloadLimit }

    /// Sends what comes next in the queue and notes how far that went. Returns false when the socket would block.
    func send(_ queue: inout SendQueue, on socket: borrowing Socket) throws(SendFault) -> Bool {
        if unsent.isEmpty { try fill(&queue) }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[unsent].prefix(queue.callByteCount))
        let transfer: Transfer
        do throws(SystemError) {
            transfer = try socket.send(bytes, more: isMoreBehind || bytes.count < unsent.count)
        } catch {
            throw .socket(error)
        }
        guard case .bytes(let count) = transfer else {
            keepStarted(queue)
            return false
        }
        unsent = (unsent.lowerBound + count)..<unsent.upperBound
        queue.advance(by: count)
        return true
    }

    /// A frame that has not started may be dropped before the next try, and others may come: nothing of it stays.
    private func keepStarted(_ queue: SendQueue) {
        let frame = queue[0]
        let isLong = isLong(frame)
        let rest = frame.header.count - frame.sentHeaderCount + (isLong ? 0 : frame.unsentPayloadCount)
        unsent = unsent.prefix(frame.hasStarted ? rest : 0)
        isMoreBehind = isMoreBehind || queue.count > 1
    }

    /// Puts as much of the queue's front into the buffer as fits. The first frame's fault is thrown; another one's
    /// waits until it is the first.
    private func fill(_ queue: inout SendQueue) throws(SendFault) {
        slots.removeAll(keepingCapacity: true)
        var end = 0
        var position = 0
        while position < queue.count, slots.count < GatherBuffer.slotLimit {
            do throws(SendFault) {
                guard try add(position, of: &queue, &end) else { break }
            } catch {
                if position == 0 { throw error }
                break
            }
            position += 1
        }
        isMoreBehind = position < queue.count
        if let (slot, fault) = readSlots(of: queue) {
            if slot.position == 0 { throw fault }
            end = slot.start
            isMoreBehind = true
        }
        unsent = 0..<end
    }

    /// Makes room for the rest of a frame and copies its header; false when it ends what is gathered.
    private func add(_ position: Int, of queue: inout SendQueue, _ end: inout Int) throws(SendFault) -> Bool {
        let start = end
        let frame = queue[position]
        let headerCount = frame.header.count - frame.sentHeaderCount
        let isLong = isLong(frame)
        guard startsLongFrames || !isLong else { return false }
        let payloadCount = isLong ? 0 : frame.unsentPayloadCount
        // A control frame may be longer than the buffer: what fits of it goes first.
        let fitting = position == 0 ? min(headerCount, buffer.bytes.count - payloadCount) : headerCount
        guard end + fitting + payloadCount <= buffer.bytes.count else { return false }
        if frame.payload != nil, isLong || payloadCount > 0 { try queue.openSource(at: position, checks: isLong) }
        frame.header.withUnsafeBytes { bytes in
            let piece = UnsafeRawBufferPointer(rebasing: bytes[frame.sentHeaderCount...].prefix(fitting))
            UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[end...]).copyMemory(from: piece)
        }
        end += fitting
        if payloadCount > 0, let payload = frame.payload, let source = queue[position].source {
            let (offset, overflow) = payload.offset.addingReportingOverflow(UInt64(frame.sentPayloadCount))
            guard !overflow, offset <= UInt64(Int64.max) - UInt64(payloadCount) else {
                throw .sourceShrank(tag: frame.tag)
            }
            slots.append(
                Slot(
                    position: position, start: start, range: end..<(end + payloadCount), descriptor: source.descriptor,
                    offset: offset))
            end += payloadCount
        }
        return !isLong && fitting == headerCount
    }

    /// Reads the payloads; returns the first that is not all there, and why.
    private func readSlots(of queue: SendQueue) -> (Slot, SendFault)? {
        var next = 0
        while next < slots.count {
            let first = next
            vectors.removeAll(keepingCapacity: true)
            var offset = slots[first].offset
            while next < slots.count, slots[next].descriptor == slots[first].descriptor, slots[next].offset == offset {
                let range = slots[next].range
                vectors.append(iovec(iov_base: buffer.bytes.baseAddress! + range.lowerBound, iov_len: range.count))
                offset = offset &+ UInt64(range.count)
                next += 1
            }
            var left: Int
            do throws(SystemError) {
                left = try System.read(slots[first].descriptor, at: slots[first].offset, into: vectors)
            } catch {
                return (slots[first], .source(error, tag: queue[slots[first].position].tag))
            }
            for slot in slots[first..<next] {
                left -= slot.range.count
                if left < 0 { return (slot, .sourceShrank(tag: queue[slot.position].tag)) }
            }
        }
        return nil
    }
}

extension System {
    /// Reads one range of a file into several pieces of memory. Returns the byte count read: less than wanted only
    /// where the file ends.
    static func read(_ descriptor: CInt, at offset: UInt64, into vectors: [iovec]) throws(SystemError) -> Int {
        let position = try fileOffset(offset, plus: 0, nil)
        let wanted = vectors.reduce(0) { $0 + $1.iov_len }
        var done = try check("preadv") { preadv(descriptor, vectors, CInt(vectors.count), position) }
        guard done < wanted else { return done }
        // A short read need not be the end: the rest is read piece by piece.
        var start = 0
        for vector in vectors {
            let end = start + vector.iov_len
            if done < end {
                let rest = UnsafeMutableRawBufferPointer(
                    start: vector.iov_base + (done - start), count: end - done)
                let count = try read(descriptor, at: offset + UInt64(done), into: rest)
                done += count
                if count < rest.count { return done }
            }
            start = end
        }
        return done
    }
}
