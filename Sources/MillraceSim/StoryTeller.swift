/// Tells what happens in words, as much of it as was asked for.
struct StoryTeller {
    let level: SimStory
    let tell: ((String) -> Void)?

    @inline(__always)
    func milestone(_ now: UInt64, _ text: () -> String) {
        if level != .none { say(now, text()) }
    }

    @inline(__always)
    func detail(_ now: UInt64, _ text: () -> String) {
        if level == .everything { say(now, text()) }
    }

    private func say(_ now: UInt64, _ text: String) {
        let time = milliseconds(now)
        tell?(String(repeating: " ", count: max(0, 12 - time.count)) + time + " ms  " + text)
    }
}
