import MillraceIO
import MillraceWire

/// Connections that have not said who they are, and those that were refused and have not left yet. They have no thread
/// and no buffer: a stranger costs the thread that accepts a few microseconds, and everybody else nothing.
struct WaitingRoom {
    private struct Guest {
        let socket: SocketBox
        let descriptor: CInt
        let deadline: UInt64
        /// Bytes that have come and do not make a hello.
        var seenByteCount = 0
    }

    /// What the first bytes of a connection make it.
    enum Verdict: Equatable {
        case wait(seenByteCount: Int)
        case hello
        case refused(GoodbyeCode, String)
        case gone
    }

    private var waiting: [Guest] = []
    private var leaving: [Guest] = []
    private var places: [Int] = []

    var count: Int { waiting.count + leaving.count }

    /// When something has to be done although nothing has come.
    var nextDeadline: UInt64 { min(waiting.first?.deadline ?? .max, leaving.first?.deadline ?? .max) }

    /// Takes a newcomer in. Where the room is full, the one that has waited longest has had its chance: a node says
    /// hello at once.
    mutating func enter(_ socket: SocketBox, descriptor: CInt, now: UInt64) {
        if waiting.count >= NodeLimits.waitingCount {
            refuse(waiting.removeFirst(), .tooManyConnections, "too many strangers", now: now)
        }
        let deadline = now + NodeLimits.handshakeNanoseconds
        waiting.append(Guest(socket: socket, descriptor: descriptor, deadline: deadline))
    }

    /// Says goodbye to a connection that never gets a thread.
    mutating func refuse(_ socket: SocketBox, descriptor: CInt, _ code: GoodbyeCode, _ reason: String, now: UInt64) {
        refuse(Guest(socket: socket, descriptor: descriptor, deadline: 0), code, reason, now: now)
    }

    /// Adds all descriptors, in the order in which `look` asks for them.
    func join(_ set: inout PollSet) {
        for guest in waiting { set.add(guest.descriptor) }
        for guest in leaving { set.add(guest.descriptor) }
    }

    /// Goes through all after a wait: sends strangers away, lets those in that have said hello.
    ///
    /// - Parameters:
    ///   - first: the place of the room's first descriptor in the set.
    ///   - admit: takes the socket of a node.
    mutating func look(_ set: PollSet, from first: Int, now: UInt64, admit: (SocketBox, CInt) -> Void) {
        let (guests, leavers) = (waiting, leaving)
        waiting.removeAll(keepingCapacity: true)
        leaving.removeAll(keepingCapacity: true)
        for (index, guest) in leavers.enumerated() where now < guest.deadline {
            if !set.isReady(first + guests.count + index) || guest.socket.drain() { leaving.append(guest) }
        }
        for (index, guest) in guests.enumerated() {
            consider(guest, hasMore: set.isReady(first + index), now: now, admit)
        }
    }

    private mutating func consider(_ guest: Guest, hasMore: Bool, now: UInt64, _ admit: (SocketBox, CInt) -> Void) {
        guard now < guest.deadline else { return refuse(guest, .timedOut, "no hello", now: now) }
        guard hasMore else { return waiting.append(guest) }
        switch guest.socket.look() {
        case .wait(let seen):
            // Ready without more bytes: there will be none.
            guard seen > guest.seenByteCount else { return }
            guest.socket.wait(forMoreThan: seen)
            var guest = guest
            guest.seenByteCount = seen
            waiting.append(guest)
        case .hello:
            guest.socket.wait(forMoreThan: 0)
            admit(guest.socket, guest.descriptor)
        case .refused(let code, let reason): refuse(guest, code, reason, now: now)
        case .gone: break
        }
    }

    /// The last word, and then a moment for the other side to read it (PROTOCOL.md, G-3).
    private mutating func refuse(_ guest: Guest, _ code: GoodbyeCode, _ reason: String, now: UInt64) {
        guard guest.socket.say(.goodbye(code, reason: reason)) else { return }
        if leaving.count >= NodeLimits.leavingCount { leaving.removeFirst() }
        leaving.append(
            Guest(
                socket: guest.socket, descriptor: guest.descriptor, deadline: now + NodeLimits.goodbyeNanoseconds))
    }
}
