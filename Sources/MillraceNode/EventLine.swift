/// Bytes that grow, written through a pointer: a line of the log costs half as much this way as by appending to an
/// array.
struct LineBuffer: ~Copyable, @unchecked Sendable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    init() {
        capacity = 4096
        base = .allocate(capacity: capacity)
    }

    deinit { base.deallocate() }

    /// Where to write next, with so many bytes of room.
    mutating func room(_ byteCount: Int) -> UnsafeMutablePointer<UInt8> {
        if capacity - count < byteCount {
            let larger = max(2 * capacity, count + byteCount)
            let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
            moved.update(from: base, count: count)
            base.deallocate()
            (base, capacity) = (moved, larger)
        }
        return base + count
    }

    /// Takes what was written to the room as far as `end`.
    mutating func take(upTo end: UnsafeMutablePointer<UInt8>) {
        precondition(end >= base + count && end <= base + capacity)
        count = end - base
    }

    mutating func clear() { count = 0 }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        body(UnsafeRawBufferPointer(start: base, count: count))
    }
}

/// Writes to room that is known to be enough.
struct LinePointer {
    private(set) var end: UnsafeMutablePointer<UInt8>

    init(_ start: UnsafeMutablePointer<UInt8>) {
        end = start
    }

    @inline(__always)
    mutating func text(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        end.update(from: text.utf8Start, count: count)
        end += count
    }

    @inline(__always)
    mutating func bytes(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return }
            end.update(from: start, count: bytes.count)
            end += bytes.count
        }
    }

    mutating func integer(_ value: UInt64) {
        var (digitCount, bound) = (1, UInt64(10))
        while value >= bound, digitCount < 19 {
            digitCount += 1
            bound *= 10
        }
        if value >= bound { digitCount += 1 }
        digits(value, count: digitCount)
    }

    /// Six places, which is microseconds.
    mutating func seconds(_ nanoseconds: UInt64) {
        let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        integer(whole)
        text(".")
        digits(rest / 1_000, count: 6)
    }

    /// Two digits at a time, by a table of them.
    @inline(__always)
    private mutating func digits(_ value: UInt64, count: Int) {
        var (rest, place) = (value, end + count)
        end = place
        var left = count
        while left >= 2 {
            let (tens, pair) = rest.quotientAndRemainder(dividingBy: 100)
            place -= 2
            place.update(from: LinePointer.pairs.utf8Start + 2 * Int(pair), count: 2)
            (rest, left) = (tens, left - 2)
        }
        if left == 1 { (place - 1).pointee = UInt8(truncatingIfNeeded: 48 + rest % 10) }
    }

    private static let pairs: StaticString =
        """
        00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354\
        55565758596061626364656667686970717273747576777879808182838485868788899091929394959697989900
        """
}
