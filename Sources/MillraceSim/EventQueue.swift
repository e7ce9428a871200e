/// What can happen in a simulated LAN. `a`, `b` and `c` of the event are named in this order.
enum EventKind: UInt8 {
    // node
    case starts, dies, stalls, wakes, timer, announces, reconnects, uplinkFree
    // nothing, or the index of a fault
    case hashes, ownerTimer, rosterSent, ownerLeaves, breaks, partitions
    // connection
    case joins, welcome, rosterAt, digestsAt, connects, accepted, completes
    // connection, whether the uplink is freed too
    case sent
    // connection, count
    case credits
    // connection, chunk, kind of chunk
    case chunk
    // connection, chunk
    case request, cancel
    // connection, chunk, reason
    case reject
    // connection, chunk, member or none
    case rescues, ask
    // connection, accused member
    case accuses
    // node, first chunk, end
    case haves
    // connection, first chunk, end: one listener that could not hear the announcement with the others
    case havesAtClient, havesAtSource
    // connection, whether the source closed it
    case closes
}

struct Event {
    var at: UInt64
    var sequence: UInt64
    var kind: EventKind
    var a: UInt32
    var b: UInt32
    var c: UInt32
}

/// Events by time, first come first served among those of one time: a heap of four children per parent.
struct EventQueue {
    private var heap: [Event] = []
    private var sequence: UInt64 = 0

    var isEmpty: Bool { heap.isEmpty }
    /// In no particular order.
    var all: [Event] { heap }

    mutating func push(_ kind: EventKind, at: UInt64, _ a: Int, _ b: UInt32 = 0, _ c: UInt32 = 0) {
        sequence += 1
        let event = Event(at: at, sequence: sequence, kind: kind, a: UInt32(a), b: b, c: c)
        heap.append(event)
        var child = heap.count - 1
        heap.withUnsafeMutableBufferPointer { heap in
            while child > 0 {
                let parent = (child - 1) / 4
                guard EventQueue.isBefore(event, heap[parent]) else { break }
                heap[child] = heap[parent]
                child = parent
            }
            heap[child] = event
        }
    }

    mutating func pop() -> Event? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap.withUnsafeMutableBufferPointer { heap in
            var parent = 0
            while true {
                let firstChild = parent * 4 + 1
                guard firstChild < heap.count else { break }
                var least = firstChild
                for child in (firstChild + 1)..<max(firstChild + 1, min(firstChild + 4, heap.count))
                where EventQueue.isBefore(heap[child], heap[least]) { least = child }
                guard EventQueue.isBefore(heap[least], last) else { break }
                heap[parent] = heap[least]
                parent = least
            }
            heap[parent] = last
        }
        return first
    }

    @inline(__always)
    private static func isBefore(_ one: Event, _ other: Event) -> Bool {
        one.at != other.at ? one.at < other.at : one.sequence < other.sequence
    }
}

/// A first-in, first-out queue that reuses its storage.
struct Fifo<Element> {
    private var items: [Element] = []
    private var head = 0

    var isEmpty: Bool { head == items.count }
    var count: Int { items.count - head }
    var first: Element? { isEmpty ? nil : items[head] }

    mutating func append(_ item: Element) { items.append(item) }

    @discardableResult
    mutating func popFirst() -> Element? {
        guard head < items.count else { return nil }
        defer {
            head += 1
            if head == items.count {
                items.removeAll(keepingCapacity: true)
                head = 0
            } else if head >= 64 {
                items.removeFirst(head)
                head = 0
            }
        }
        return items[head]
    }

    /// Takes out the first item at or after `start` that matches.
    mutating func remove(from start: Int, where matches: (Element) -> Bool) -> Element? {
        guard let index = items.indices.dropFirst(head + start).first(where: { matches(items[$0]) }) else { return nil }
        return items.remove(at: index)
    }

    mutating func removeAll() {
        items.removeAll()
        head = 0
    }
}
