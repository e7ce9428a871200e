/// One connection's place among those of its node that send chunks.
public final class SendPlace {
    /// What may be begun now.
    public enum Room: Equatable, Sendable {
        case asMuchAsThereIs
        case oneChunk
        /// To be asked again then, or when the wake-up is signalled.
        case nothing(until: UInt64)
    }

    private let share: SendShare
    private let wake: WakeUp
    private var isSending = false
    private var hasAsked = false

    /// - Parameters:
    ///   - share: of the node's connections that send chunks.
    ///   - wake: signalled when it is this one's turn.
    public init(share: SendShare, wake: WakeUp) {
        self.share = share
        self.wake = wake
    }

    deinit { withdraw(now: 0) }

    /// Asks before a chunk of so many bytes is begun.
    public func room(for byteCount: @autoclosure () -> Int, now: UInt64) -> Room {
        let room = share.room(for: byteCount, wake, isSending: isSending, now: now)
        hasAsked = hasAsked || room != .asMuchAsThereIs
        return room
    }

    public func began(now: UInt64) {
        guard !isSending else { return }
        isSending = true
        share.began(now: now)
    }

    /// Nothing is left of what was begun, sent or not: the turn is the next one's.
    public func rested(now: UInt64) {
        guard isSending else { return }
        isSending = false
        share.rested(now: now)
        giveBack()
    }

    /// Nothing is under way, and there is nothing to begin: nobody waits for this one.
    public func withdraw(now: UInt64) {
        rested(now: now)
        giveBack()
    }

    private func giveBack() {
        guard hasAsked else { return }
        hasAsked = false
        share.withdraw(wake)?.signal()
    }
}
