import Glibc

/// sendfile(2), with the queued chunk files opened by io_uring, several with one call, and read ahead. The ring's own
/// ways into a socket (splice, read and send, send_zc) cost more than sendfile: Documentation/io.md has them all.
public final class UringTransport: FrameSender {
    public static let kind = TransportKind.uring
    private static let batchCount = 8

    var queue = SendQueue()
    private let gathered = GatherBuffer.forShortPayloads()
    private var ring: Ring?
    private var isRingUsable = true

    public init() {}

    /// What can't be opened ahead is opened in its turn, and tells its fault then.
    func sendSome(on socket: borrowing Socket) throws(SendFault) -> Bool {
        if isRingUsable, queue[0].pathToOpen != nil { openAhead() }
        return try sendGatheredOrFile(gathered, on: socket)
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
                // The disk reads the files behind the first while that one is sent.
                if index > 0 { System.willRead(descriptor.rawValue, at: 0, byteCount: 0) }
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
