import MillraceIO

/// What the HTTP side has done so far.
final class HTTPCounters: Sendable {
    struct Values: Sendable {
        /// By status code, in the order of their numbers.
        var answers: [(status: HTTPStatus, count: UInt64)] = HTTPStatus.allCases.map { ($0, 0) }
        /// Bytes of bodies, the file's and others.
        var sentByteCount: UInt64 = 0
        var connectionCount = 0
        var refusedConnectionCount: UInt64 = 0
    }

    private let current = Lock(Values())

    var values: Values { current.withLock { $0 } }

    func answered(_ status: HTTPStatus) {
        current.withLock { values in
            guard let index = values.answers.firstIndex(where: { $0.status == status }) else { return }
            values.answers[index].count += 1
        }
    }

    func sent(_ byteCount: UInt64) { current.withLock { $0.sentByteCount += byteCount } }
    func opened() { current.withLock { $0.connectionCount += 1 } }
    func closed() { current.withLock { $0.connectionCount -= 1 } }
    func refused() { current.withLock { $0.refusedConnectionCount += 1 } }
}
