import MillraceIO
import MillraceWire
import Synchronization

/// What other threads want a connection's thread to send, and its wake-up: the only way one thread makes another act.
final class Link: Sendable {
    /// A chunk to send, as an answer to a request or credit.
    struct ChunkOrder: Sendable, Equatable {
        let chunk: ChunkID
        let type: MessageType
        /// When its turn came.
        var began: UInt64 = 0
    }

    struct Mail: ~Copyable {
        /// Whole frames, in order.
        var control: [UInt8] = []
        var chunks: [ChunkOrder] = []
        var cancels: [ChunkID] = []
        var goodbye: (code: GoodbyeCode, reason: String)?
        /// Requested chunks that were answered since the mailbox was last emptied.
        private var answerCount = 0
        fileprivate var isParked = false

        var isEmpty: Bool { control.isEmpty && chunks.isEmpty && cancels.isEmpty && goodbye == nil }

        /// Every request has one answer: the chunk, or a reject. False, and nothing answered, if there are more than
        /// anybody may have outstanding: they would fill the memory before the first has left.
        mutating func answer(_ requested: Range<ChunkID>, isHeld: (ChunkID) -> Bool) -> Bool {
            guard answerCount + requested.count <= NodeLimits.clientQueueCount else { return false }
            answerCount += requested.count
            for chunk in requested {
                if isHeld(chunk) {
                    chunks.append(ChunkOrder(chunk: chunk, type: .chunk))
                } else {
                    Message.reject(chunk, .notHeld).append(to: &control)
                }
            }
            return true
        }
    }

    let wake: WakeUp
    private let mail = Lock(Mail())
    /// Something was posted since the mailbox was last emptied: the thread looks there at every turn, mostly in vain.
    private let hasMail = Atomic(false)
    /// Where the thread stands with news (additions, digests), which are no mail: it looks for itself.
    private let newsState = Atomic(NewsState.looking)

    private enum NewsState: UInt8, AtomicRepresentable {
        case looking, waiting, told
    }

    init() throws(SystemError) {
        wake = try WakeUp()
    }

    /// Posts to the mailbox. Returns true when the thread is waiting and must be woken, once no lock is held.
    func post(_ change: (inout Mail) -> Void) -> Bool {
        mail.withLock { mail in
            change(&mail)
            hasMail.store(true, ordering: .releasing)
            guard mail.isParked else { return false }
            mail.isParked = false
            return true
        }
    }

    /// Posts the answers to a request of this connection's own client, whose thread need not be woken.
    func answer(_ requested: Range<ChunkID>, isHeld: (ChunkID) -> Bool) throws(ConnectionEnd) {
        var isWithinLimit = true
        _ = post { isWithinLimit = $0.answer(requested, isHeld: isHeld) }
        guard isWithinLimit else { throw .peerFault(.limitExceeded(limit: "requests")) }
    }

    func post(_ message: Message) -> Bool {
        post { message.append(to: &$0.control) }
    }

    func post(goodbye code: GoodbyeCode, _ reason: String) -> Bool {
        post { mail in
            if mail.goodbye == nil { mail.goodbye = (code, reason) }
        }
    }

    /// Takes everything that was posted.
    func take() -> Mail {
        guard hasMail.load(ordering: .acquiring) else { return Mail() }
        return mail.withLock { mail in
            hasMail.store(false, ordering: .relaxed)
            var taken = Mail()
            swap(&taken, &mail)
            return taken
        }
    }

    /// Announces that the thread looks for news now: those that come behind its back keep it from waiting.
    func looksForNews() {
        _ = newsState.exchange(.looking, ordering: .acquiringAndReleasing)
    }

    /// Announces that the thread is about to wait. False when there is mail, or news since it looked: it must not.
    ///
    /// - Parameter waitsForNews: it has no deadline of its own at which it would look again.
    func park(waitsForNews: Bool) -> Bool {
        if waitsForNews {
            let (isWaiting, _) = newsState.compareExchange(
                expected: .looking, desired: .waiting, ordering: .acquiringAndReleasing)
            guard isWaiting else { return false }
        }
        return mail.withLock { mail in
            mail.isParked = mail.isEmpty
            return mail.isParked
        }
    }

    func unpark() {
        mail.withLock { $0.isParked = false }
    }

    /// Says that there are news. True when the thread waits for them and must be woken, once per wait.
    func takesNews() -> Bool {
        newsState.exchange(.told, ordering: .acquiringAndReleasing) == .waiting
    }
}

/// Threads to wake once the node's lock is free: waking is a system call.
struct WakeList {
    private var links: [Link] = []

    mutating func add(_ link: Link, if needed: Bool) {
        if needed { links.append(link) }
    }

    consuming func signal() {
        for link in links { link.wake.signal() }
    }
}
