import MillraceIO
import MillraceWire
import Synchronization

/// What other threads want a connection's thread to send, and its wake-up: the only way one thread makes another act.
final class Link: Sendable {
    /// A chunk to send, as an answer to a request or credit.
    struct ChunkOrder: Sendable, Equatable {
        let chunk: ChunkID
        let type: MessageType
    }

    struct Mail: ~Copyable {
        /// Whole frames, in order.
        var control: [UInt8] = []
        var chunks: [ChunkOrder] = []
        var cancels: [ChunkID] = []
        var goodbye: (code: GoodbyeCode, reason: String)?
        fileprivate var isParked = false

        var isEmpty: Bool { control.isEmpty && chunks.isEmpty && cancels.isEmpty && goodbye == nil }
    }

    let wake: WakeUp
    private let mail = Lock(Mail())
    /// The thread waits and has no deadline of its own for news (additions, digests).
    private let waitsForNews = Atomic(false)

    init() throws(SystemError) {
        wake = try WakeUp()
    }

    /// Posts to the mailbox. Returns true when the thread is waiting and must be woken, once no lock is held.
    func post(_ change: (inout Mail) -> Void) -> Bool {
        mail.withLock { mail in
            change(&mail)
            guard mail.isParked else { return false }
            mail.isParked = false
            return true
        }
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
        mail.withLock { mail in
            var taken = Mail()
            swap(&taken, &mail)
            return taken
        }
    }

    /// Announces that the thread is about to wait. False when there is mail: it must not.
    func park(waitsForNews: Bool) -> Bool {
        self.waitsForNews.store(waitsForNews, ordering: .releasing)
        return mail.withLock { mail in
            mail.isParked = mail.isEmpty
            return mail.isParked
        }
    }

    func unpark() {
        waitsForNews.store(false, ordering: .relaxed)
        mail.withLock { $0.isParked = false }
    }

    /// Whether the thread waits and should be told of news; answers true once per wait.
    func takesNews() -> Bool {
        waitsForNews.load(ordering: .relaxed) && waitsForNews.exchange(false, ordering: .acquiring)
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
