import MillraceIO
import MillraceWire

/// The thread that accepts: strangers wait in a room without threads, nodes get a thread each, up to a limit.
struct AcceptLoop {
    /// Looks at `isOver` at least this often; a connection wakes it at once.
    private static let lookNanoseconds: UInt64 = 500_000_000
    /// Connections accepted before those that wait are looked at again.
    private static let batchCount = 64

    let census: Census
    let serve: @Sendable (consuming Socket) -> Void

    func run(_ listener: borrowing Listener, isOver: () -> Bool) {
        var room = WaitingRoom()
        var spare = SpareDescriptor()
        var set = PollSet()
        while !isOver() {
            set.removeAll()
            let door = set.add(listener.descriptor)
            room.join(&set)
            let before = MonotonicClock.nowNanoseconds
            let deadline = min(before + AcceptLoop.lookNanoseconds, room.nextDeadline)
            guard (try? set.wait(untilNanoseconds: deadline)) != nil else { return }
            let now = MonotonicClock.nowNanoseconds
            var admitted: [(SocketBox, CInt)] = []
            room.look(set, from: door + 1, now: now) { admitted.append(($0, $1)) }
            for (socket, descriptor) in admitted { admit(socket, descriptor, &room, now: now) }
            if set.isReady(door) { accept(listener, &room, &spare, now: now) }
        }
    }

    private func accept(
        _ listener: borrowing Listener, _ room: inout WaitingRoom, _ spare: inout SpareDescriptor, now: UInt64
    ) {
        do throws(SystemError) {
            for _ in 0..<AcceptLoop.batchCount {
                guard let socket = try listener.accept() else { return }
                let descriptor = socket.descriptor
                room.enter(SocketBox(socket), descriptor: descriptor, now: now)
            }
        } catch {
            // Out of descriptors or memory: whoever comes is sent away until those in use are free again.
            var isSentAway = false
            spare.lend {
                guard let socket = try? listener.accept() else { return }
                isSentAway = SocketBox(socket).say(.goodbye(.tooManyConnections, reason: "no descriptor is free"))
            }
            if !isSentAway { pause() }
        }
    }

    private func admit(_ socket: SocketBox, _ descriptor: CInt, _ room: inout WaitingRoom, now: UInt64) {
        guard let place = census.enter(from: socket.remoteAddress) else {
            return room.refuse(
                socket, descriptor: descriptor, .tooManyConnections, "too many connections", now: now)
        }
        let serve = serve
        let thread = try? WorkerThread.start(name: "client") {
            serve(socket.take())
            withExtendedLifetime(place) {}
        }
        guard thread == nil else { return }
        room.refuse(socket, descriptor: descriptor, .tooManyConnections, "no thread is to be had", now: now)
    }

    private func pause() {
        let until = MonotonicClock.nowNanoseconds + NodeLimits.firstRetryNanoseconds
        _ = try? WaitPoint.wait(socket: -1, forReading: false, forWriting: false, wake: nil, untilNanoseconds: until)
    }
}
