import MillraceIO
import MillraceNode
import Synchronization

/// The HTTP side of a node: one thread that accepts, one for each connection, none of them the node's.
public final class HTTPServer: Sendable {
    private let listener: Listener
    private let node: any ObservableNode
    private let router: Router
    private let counters = HTTPCounters()
    private let patience: HTTPPatience
    private let acceptWake: WakeUp
    /// No more requests are taken; answers under way may end.
    private let isEnding = Atomic(false)
    private let isOver = Atomic(false)
    private let clients = Lock<[Client]>([])

    private struct Client: Sendable {
        let identity: UInt64
        let host: SocketAddress.Host
        let wake: WakeUp
    }

    public var port: UInt16 { listener.port }

    /// Opens the port. Throws a network failure when that can't be had.
    ///
    /// - Parameters:
    ///   - endpoint: where to listen; without a host, on this machine's loopback address only.
    ///   - names: host names that requests may be for besides this machine's own.
    public convenience init(
        _ endpoint: Endpoint, names: [String] = [], node: any ObservableNode
    ) throws(NodeFailure) {
        try self.init(endpoint, names: names, node: node, patience: HTTPPatience())
    }

    init(
        _ endpoint: Endpoint, names: [String] = [], node: any ObservableNode, patience: HTTPPatience
    ) throws(NodeFailure) {
        self.patience = patience
        do throws(SystemError) {
            acceptWake = try WakeUp()
            listener = try Listener(host: endpoint.host ?? "127.0.0.1", port: endpoint.port)
        } catch {
            throw NodeFailure(
                .network, "can't listen for HTTP on \(endpoint): \(error); choose another port with --http")
        }
        self.node = node
        let hosts = HostCheck(listenHost: endpoint.host, machineName: MachineName.current, more: names)
        router = Router(node: node, hosts: hosts, page: Page(), counters: counters)
    }

    /// Begins to answer.
    public func start() throws(NodeFailure) {
        do throws(SystemError) {
            _ = try WorkerThread.start(name: "http") { self.accept() }
        } catch {
            throw NodeFailure(.network, "no thread for HTTP: \(error)")
        }
        node.tell("status page, file and metrics on HTTP port \(port)")
    }

    /// Takes no more requests, and waits a moment for answers under way.
    public func stop() {
        isEnding.store(true, ordering: .sequentiallyConsistent)
        acceptWake.signal()
        let deadline = MonotonicClock.nowNanoseconds + HTTPLimits.drainNanoseconds
        wakeAll()
        waitForClients(until: deadline)
        isOver.store(true, ordering: .sequentiallyConsistent)
        wakeAll()
        waitForClients(until: deadline + HTTPLimits.closeNanoseconds)
    }

    private func waitForClients(until deadline: UInt64) {
        while counters.values.connectionCount > 0, MonotonicClock.nowNanoseconds < deadline { pause() }
    }

    private func wakeAll() {
        let wakes = clients.withLock { $0.map(\.wake) }
        for wake in wakes { wake.signal() }
    }

    private func accept() {
        while !isEnding.load(ordering: .sequentiallyConsistent) {
            let ready = try? WaitPoint.wait(
                socket: listener.descriptor, forReading: true, forWriting: false, wake: acceptWake,
                untilNanoseconds: nil)
            guard ready?.contains(.readable) == true else { continue }
            do throws(SystemError) {
                while let socket = try listener.accept() { try welcome(socket) }
            } catch {
                // Out of descriptors or threads: those in use will end.
                pause()
            }
        }
    }

    private func welcome(_ socket: consuming Socket) throws(SystemError) {
        let host = socket.remoteAddress.host
        let wake = try WakeUp()
        let client = Client(identity: UInt64.random(in: .min ... .max), host: host, wake: wake)
        let isWelcome = clients.withLock { clients in
            guard clients.count < HTTPLimits.connectionCount,
                clients.count(where: { $0.host == host }) < HTTPLimits.connectionCountPerHost
            else { return false }
            clients.append(client)
            return true
        }
        guard isWelcome else { return refuse(socket) }
        counters.opened()
        let box = SocketBox(socket)
        do throws(SystemError) {
            _ = try WorkerThread.start(name: "http client", stackByteCount: HTTPLimits.threadStackByteCount) {
                self.serve(box.take(), client)
            }
        } catch {
            forget(client)
            throw error
        }
    }

    private func serve(_ socket: consuming Socket, _ client: Client) {
        HTTPConnection(
            router: router, counters: counters, node: node, patience: patience, wake: client.wake,
            isEnding: { self.isEnding.load(ordering: .relaxed) }, isOver: { self.isOver.load(ordering: .relaxed) }
        ).run(on: socket)
        forget(client)
    }

    private func forget(_ client: Client) {
        clients.withLock { $0.removeAll { $0.identity == client.identity } }
        counters.closed()
    }

    /// One answer that fits into any socket, and no thread for it.
    private func refuse(_ socket: borrowing Socket) {
        counters.refused()
        let response = HTTPResponse(
            HTTPFault(.unavailable, "too many connections here; try again, or another node"),
            headers: [("Retry-After", "5")])
        var bytes = response.head(date: WallClock.now.seconds, keepsConnection: false)
        for case .bytes(let more) in response.body { bytes += more }
        bytes.withUnsafeBytes { _ = try? socket.send($0) }
    }

    private func pause() {
        _ = try? WaitPoint.wait(
            socket: -1, forReading: false, forWriting: false, wake: nil,
            untilNanoseconds: MonotonicClock.nowNanoseconds + 10_000_000)
    }
}
