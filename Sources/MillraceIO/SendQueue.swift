import Glibc

/// A payload's open file; closes it if it opened it.
final class PayloadSource {
    let descriptor: CInt
    private let owned: Descriptor?

    init(owning descriptor: consuming Descriptor) {
        self.descriptor = descriptor.rawValue
        owned = consume descriptor
    }

    init(borrowing descriptor: CInt) {
        self.descriptor = descriptor
        owned = nil
    }
}

/// The frames of one connection in their order, and how far the first of them has come.
struct SendQueue {
    struct Frame {
        let header: [UInt8]
        let payload: FilePayload?
        let tag: UInt32
        var source: PayloadSource?
        /// Its file is open and long enough.
        var isChecked = false
        var sentHeaderCount = 0
        var sentPayloadCount = 0

        /// The path of a file that is still to be opened.
        var pathToOpen: String? {
            guard source == nil, case .path(let path) = payload?.place else { return nil }
            return path
        }

        var hasStarted: Bool { sentHeaderCount > 0 || sentPayloadCount > 0 }
        var unsentPayloadCount: Int { (payload?.byteCount ?? 0) - sentPayloadCount }
        var isDone: Bool { sentHeaderCount == header.count && unsentPayloadCount == 0 }
    }

    /// Headers in front of payloads are no longer than this.
    static let longestHeaderByteCount = 1024

    /// The most bytes that go to the kernel with one call.
    var callByteCount = Int.max
    /// With so many bytes the kernel gets no more of a payload.
    var limitByteCount = Int.max
    private var frames: [Frame] = []
    private var headIndex = 0
    /// Set when a frame was removed of which a part had left.
    private(set) var isBroken = false

    var count: Int { frames.count - headIndex }
    var isEmpty: Bool { count == 0 }

    subscript(position: Int) -> Frame {
        get { frames[headIndex + position] }
        _modify { yield &frames[headIndex + position] }
    }

    mutating func append(_ header: [UInt8], _ payload: FilePayload?, tag: UInt32) {
        guard !header.isEmpty || (payload?.byteCount ?? 0) > 0 else { return }
        frames.append(Frame(header: header, payload: payload, tag: tag))
    }

    mutating func removeFirst() {
        if frames[headIndex].hasStarted, !frames[headIndex].isDone { isBroken = true }
        frames[headIndex].source = nil
        headIndex += 1
        guard headIndex == frames.count || headIndex >= 64 else { return }
        frames.removeFirst(headIndex)
        headIndex = 0
    }

    mutating func drop(tag: UInt32) -> Bool {
        let match = (headIndex..<frames.count).first {
            frames[$0].tag == tag && frames[$0].payload != nil && !frames[$0].hasStarted
        }
        guard let match else { return false }
        frames.remove(at: match)
        return true
    }

    /// Notes that so many bytes from the front of the queue have left. Frames that are done stay in it.
    mutating func advance(by byteCount: Int) {
        var left = byteCount
        var index = headIndex
        while left > 0 {
            let header = min(left, frames[index].header.count - frames[index].sentHeaderCount)
            let payload = min(left - header, frames[index].unsentPayloadCount)
            frames[index].sentHeaderCount += header
            frames[index].sentPayloadCount += payload
            left -= header + payload
            index += 1
        }
    }

    /// Opens the payload of a frame, and checks that it is all there unless it will be read before its header leaves:
    /// a fault must show before that.
    mutating func openSource(at position: Int, checks: Bool = true) throws(SendFault) {
        let frame = self[position]
        guard !frame.isChecked, checks || frame.source == nil, let payload = frame.payload else { return }
        var isWhole = false
        do throws(SystemError) {
            let source = try SendQueue.source(of: frame, payload)
            self[position].source = source
            guard checks else { return }
            let (end, overflow) = payload.offset.addingReportingOverflow(UInt64(payload.byteCount))
            if !overflow { isWhole = try System.status(of: source.descriptor).byteCount >= end }
        } catch {
            throw .source(error, tag: frame.tag)
        }
        guard isWhole else { throw .sourceShrank(tag: frame.tag) }
        self[position].isChecked = true
    }

    private static func source(of frame: Frame, _ payload: FilePayload) throws(SystemError) -> PayloadSource {
        if let source = frame.source { return source }
        switch payload.place {
        case .path(let path): return PayloadSource(owning: try System.open(path, .readOnly))
        case .descriptor(let descriptor): return PayloadSource(borrowing: descriptor)
        }
    }
}
