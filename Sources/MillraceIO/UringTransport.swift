import Glibc

/// sendfile(2), with the queued chunk files opened ahead by io_uring, several with one call. The ring's own ways into a
/// socket (splice, read and send) cost more than sendfile; opening many files at once costs less than one by one.
public final class UringTransport: FrameSender {
    public static let kind = TransportKind.uring
    private static let batchCount = 8

    var queue = SendQueue()
    private var ring: Ring?
    private var isRingUsable = true

    public init() {}

    func sendSome(on socket: borrowing Socket) throws(SendFault) -> Bool {
        if queue[0].sentHeaderCount < queue[0].header.count { return try sendHeader(on: socket) }
        return try sendPayload(on: socket)
    }

    /// What can't be opened ahead is opened in its turn, and tells its fault then.
    func prepare() throws(SendFault) {
        if isRingUsable, queue[0].pathToOpen != nil { openAhead() }
        try queue.openSource(at: 0)
    }

    private func openAhead() {
        var positions: [Int] = []
        var paths: [String] = []
        for position in 0..<min(queue.count, UringTransport.batchCount) {
            guard let path = queue[position].pathToOpen else { continue }
            positions.append(position)
            paths.append(path)
        }
        guard paths.count > 1 else { return }
        makeRing()
        do throws(SystemError) {
            try ring?.open(paths) { index, descriptor in
                queue[positions[index]].source = PayloadSource(owning: descriptor)
            }
        } catch {
            isRingUsable = false
        }
    }

    /// Made in the thread that sends: the kernel refuses others.
    private func makeRing() {
        guard ring == nil else { return }
        ring = try? Ring(entryCount: UInt32(UringTransport.batchCount))
        isRingUsable = ring != nil
    }
}
