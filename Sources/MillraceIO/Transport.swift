/// A range of a file that is to go out as it is.
public struct FilePayload: Sendable {
    public enum Place: Sendable {
        /// Opened when its turn comes, closed when it is out.
        case path(String)
        /// Must stay open until the frame is out or dropped.
        case descriptor(CInt)
    }

    public var place: Place
    public var offset: UInt64
    public var byteCount: Int

    public init(place: Place, offset: UInt64, byteCount: Int) {
        self.place = place
        self.offset = offset
        self.byteCount = byteCount
    }
}

/// Why sending stopped. After `socket` the connection is lost. After the others the frame with this tag is out of the
/// queue and the connection can go on, unless the transport's `isBroken` says that its header had left.
public enum SendFault: Error, Sendable, Equatable {
    case socket(SystemError)
    case source(SystemError, tag: UInt32)
    /// The file is shorter than it was.
    case sourceShrank(tag: UInt32)
}

extension SendFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .socket(let error), .source(let error, _): "\(error)"
        case .sourceShrank: "its file is shorter than it was"
        }
    }
}

public enum TransportKind: String, Sendable, CaseIterable {
    case uring, sendfile, copy
}

/// A way from files into a socket: a queue of frames that leave in order. Belongs to one connection's thread.
public protocol Transport: AnyObject {
    static var kind: TransportKind { get }

    /// Frames not yet fully handed to the kernel.
    var queuedCount: Int { get }

    /// True once a part of a frame left whose rest can't follow: the stream makes no sense any more.
    var isBroken: Bool { get }

    /// The most bytes that go to the kernel with one call.
    var callByteCount: Int { get set }

    /// How many bytes the kernel may hold before it gets more of a payload; no less than the socket's own limit, which
    /// says when there is room again (`Socket.setQueueLimit`).
    var limitByteCount: Int { get set }

    /// Adds a frame whose payload is a range of a file. Header and payload leave in one go.
    func enqueue(header: [UInt8], payload: FilePayload, tag: UInt32)

    /// Adds a frame without file payload.
    func enqueue(bytes: [UInt8])

    /// Takes a queued frame out. Returns false when there is none of this tag, or when some of its bytes have left.
    func drop(tag: UInt32) -> Bool

    /// Pushes until all is out (true) or the socket would block (false). Calls `completed` with the tag of each frame
    /// that had a file payload and is out.
    func send(on socket: borrowing Socket, completed: (UInt32) -> Void) throws(SendFault) -> Bool
}
