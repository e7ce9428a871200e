/// The Range header (RFC 9110, section 14): what of a file somebody wants.
enum ByteRanges: Equatable {
    /// The whole file: there is no such header, or one that may be passed over.
    case all
    /// Ranges in the order they were asked for, none empty, none beyond the end.
    case some([Range<UInt64>])
    /// Nothing of what was asked for exists.
    case unsatisfiable

    init(_ header: String?, byteCount: UInt64) {
        guard let header, let specifications = ByteRanges.specifications(header) else {
            self = .all
            return
        }
        let ranges = specifications.compactMap { $0.range(byteCount: byteCount) }
        if ranges.isEmpty {
            self = .unsatisfiable
        } else if specifications.count > HTTPLimits.rangeCount || ByteRanges.overlap(ranges) {
            self = .all
        } else {
            self = .some(ranges)
        }
    }

    private enum Specification {
        case from(UInt64, through: UInt64?)
        case last(UInt64)

        func range(byteCount: UInt64) -> Range<UInt64>? {
            switch self {
            case .from(let first, let last):
                guard first < byteCount else { return nil }
                let end = last.map { min($0, byteCount - 1) + 1 } ?? byteCount
                return first..<end
            case .last(let count):
                guard count > 0, byteCount > 0 else { return nil }
                return (byteCount - min(count, byteCount))..<byteCount
            }
        }
    }

    /// Nil for another unit and for what is no list of ranges.
    private static func specifications(_ header: String) -> [Specification]? {
        let parts = header.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].trimmed.lowercased() == "bytes" else { return nil }
        var specifications: [Specification] = []
        for part in parts[1].split(separator: ",") {
            let ends = part.trimmed.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count == 2 else { return nil }
            if ends[0].isEmpty {
                guard let count = number(ends[1]) else { return nil }
                specifications.append(.last(count))
            } else {
                guard let first = number(ends[0]) else { return nil }
                let last = number(ends[1])
                guard ends[1].isEmpty || last != nil, last.map({ $0 >= first }) ?? true else { return nil }
                specifications.append(.from(first, through: last))
            }
        }
        return specifications.isEmpty ? nil : specifications
    }

    /// Digits only; a number too large for any file is the largest there is.
    private static func number(_ text: Substring) -> UInt64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return UInt64(text) ?? .max
    }

    private static func overlap(_ ranges: [Range<UInt64>]) -> Bool {
        let sorted = ranges.sorted { $0.lowerBound < $1.lowerBound }
        return zip(sorted, sorted.dropFirst()).contains { $0.upperBound > $1.lowerBound }
    }
}
