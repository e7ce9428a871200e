/// One connection's place among those of its node that send chunks.
public final class SendPlace {
    private let share: SendShare
    private var isSending = false

    public init(share: SendShare) {
        self.share = share
    }

    deinit { rested(now: 0) }

    public func began(now: UInt64) {
        guard !isSending else { return }
        isSending = true
        share.began(now: now)
    }

    /// Nothing is left of what was begun, sent or not.
    public func rested(now: UInt64) {
        guard isSending else { return }
        isSending = false
        share.rested(now: now)
    }
}
