import MillraceSwarm
import MillraceWire

/// Who is slow, judged against the others and never by a fixed rate: links differ.
enum SlowOnes {
    /// A source is slow when one request in ten is late, or when it takes three times as long as the middle one.
    static func mark(_ sources: [NodeStatus.Source]) -> [NodeStatus.Source] {
        let middle = median(sources.filter { $0.chunkCount > 0 }.map(\.meanSeconds))
        return sources.map { source in
            var source = source
            let isOftenLate = source.lateCount > 0 && source.lateCount * 10 >= source.chunkCount
            let isBehind = middle.map { $0 > 0 && source.meanSeconds > 3 * $0 } ?? false
            source.isSlow = isOftenLate || isBehind
            return source
        }
    }

    /// A member is slow when it does not pass on what it is given, or has had chunks at less than half the rate of the
    /// middle one since it joined.
    static func mark(_ members: [NodeStatus.Member]) -> [NodeStatus.Member] {
        let middle = median(members.compactMap { rate($0) })
        return members.map { member in
            var member = member
            guard member.state == .fetching else { return member }
            let isBehind = zip(rate(member), middle).map { $0 < $1 / 2 } ?? false
            member.isSlow = isBehind || member.strikeCount >= SwarmLimits.strikeLimit
            return member
        }
    }

    /// Chunks a second since it joined; nil before that says anything.
    private static func rate(_ member: NodeStatus.Member) -> Double? {
        guard let held = member.held, let seconds = member.seconds, seconds >= leastSeconds || held.isFull else {
            return nil
        }
        return Double(held.count) / max(seconds, 0.001)
    }

    private static let leastSeconds = 2.0

    static func median(_ values: [Double]) -> Double? {
        guard values.count > 1 else { return nil }
        return values.sorted()[values.count / 2]
    }

    private static func zip(_ first: Double?, _ second: Double?) -> (Double, Double)? {
        guard let first, let second else { return nil }
        return (first, second)
    }
}
