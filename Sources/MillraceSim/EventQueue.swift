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

/// Events by time, first come first served among those of one time. Most lie a constant time ahead when they are pushed
/// (a latency, a chunk's time on the wire) and so come in order already: there is a lane for every power of two of that
/// time, and only what is out of order in its lane goes through a heap.
struct EventQueue {
    private var lanes = ContiguousArray(repeating: Fifo<Event>(), count: 64)
    /// The lanes that are not empty, a bit each.
    private var busyLanes: UInt64 = 0
    private var heap = EventHeap()
    private var sequence: UInt64 = 0
    private var now: UInt64 = 0

    /// In no particular order.
    var all: [Event] { lanes.flatMap(\.all) + heap.all }

    mutating func push(_ kind: EventKind, at: UInt64, _ a: Int, _ b: UInt32 = 0, _ c: UInt32 = 0) {
        sequence += 1
        let event = Event(at: at, sequence: sequence, kind: kind, a: UInt32(a), b: b, c: c)
        let lane = 63 - (max(at, now) - now | 1).leadingZeroBitCount
        guard lanes[lane].last.map({ $0.at <= at }) ?? true else { return heap.push(event) }
        lanes[lane].append(event)
        busyLanes |= 1 << UInt64(lane)
    }

    mutating func pop() -> Event? {
        var first = heap.first
        var firstLane: Int?
        var rest = busyLanes
        while rest != 0 {
            let lane = rest.trailingZeroBitCount
            rest &= rest - 1
            guard let event = lanes[lane].first, first.map({ event.isBefore($0) }) ?? true else { continue }
            (first, firstLane) = (event, lane)
        }
        if let firstLane {
            lanes[firstLane].popFirst()
            if lanes[firstLane].isEmpty { busyLanes ^= 1 << UInt64(firstLane) }
        } else {
            heap.removeFirst()
        }
        now = first?.at ?? now
        return first
    }
}

/// A heap of four children per parent.
private struct EventHeap {
    private(set) var all: [Event] = []

    var first: Event? { all.first }

    mutating func push(_ event: Event) {
        all.append(event)
        var heap = all.mutableSpan
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 4
            guard event.isBefore(heap[parent]) else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = event
    }

    mutating func removeFirst() {
        guard let last = all.popLast(), !all.isEmpty else { return }
        var heap = all.mutableSpan
        var parent = 0
        while true {
            let firstChild = parent * 4 + 1
            guard firstChild < heap.count else { break }
            var least = firstChild
            for child in (firstChild + 1)..<max(firstChild + 1, min(firstChild + 4, heap.count))
            where heap[child].isBefore(heap[least]) { least = child }
            guard heap[least].isBefore(last) else { break }
            heap[parent] = heap[least]
            parent = least
        }
        heap[parent] = last
    }
}

extension Event {
    @inline(__always)
    fileprivate func isBefore(_ other: Event) -> Bool {
        at != other.at ? at < other.at : sequence < other.sequence
    }
}

/// A first-in, first-out queue that reuses its storage.
struct Fifo<Element> {
    private var items: [Element] = []
    private var head = 0

    var isEmpty: Bool { head == items.count }
    var count: Int { items.count - head }
    var first: Element? { isEmpty ? nil : items[head] }
    var last: Element? { isEmpty ? nil : items[items.count - 1] }
    var all: ArraySlice<Element> { items[head...] }

    mutating func append(_ item: Element) { items.append(item) }

    @discardableResult
    mutating func popFirst() -> Element? {
        guard head < items.count else { return nil }
        defer {
            head += 1
            if head == items.count {
                items.removeAll(keepingCapacity: true)
                head = 0
            } else if head >= 64, head * 2 >= items.count {
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
