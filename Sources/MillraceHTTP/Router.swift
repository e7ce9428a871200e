import MillraceIO
import MillraceNode

/// Which answer a request gets. Everything is read only, and no path from outside is ever a path on disk: it is
/// compared with the few names there are.
struct Router: Sendable {
    let node: any ObservableNode
    let hosts: HostCheck
    let page: Page
    let counters: HTTPCounters
    private let cache = StatusCache()
    private let boundary = "millrace-\(String(UInt64.random(in: .min ... .max), radix: 36))"

    init(node: any ObservableNode, hosts: HostCheck, page: Page, counters: HTTPCounters) {
        self.node = node
        self.hosts = hosts
        self.page = page
        self.counters = counters
    }

    func answer(_ request: HTTPRequest) -> HTTPResponse {
        guard hosts.allows(request.host) else {
            return HTTPResponse(
                HTTPFault(.misdirected, "this host name is not one of this node's; use its address, or --http-name"))
        }
        guard request.method == "GET" || request.method == "HEAD" else {
            return HTTPResponse(
                HTTPFault(.methodNotAllowed, "everything here is read only"), headers: [("Allow", "GET, HEAD")])
        }
        guard let path = String(validating: request.path, as: UTF8.self) else { return Router.notFound }
        switch path {
        case "/": return page.response
        case "/status": return text("application/json", StatusText.json(cache.status(of: node)))
        case "/metrics":
            return text(
                "text/plain; version=0.0.4; charset=utf-8",
                Metrics.text(cache.status(of: node), counters.values, ProcessUsage.now))
        case "/healthz": return health(\.isHealthy)
        case "/readyz": return health { $0.isHealthy && $0.isWhole }
        case "/file": return file(request)
        default: return isFileName(path) ? file(request) : Router.notFound
        }
    }

    private static let notFound = HTTPResponse(
        HTTPFault(.notFound, "there are /, /file, /status, /metrics, /healthz and /readyz"))

    private func text(_ type: String, _ text: String) -> HTTPResponse {
        HTTPResponse(.ok, type: type, text, headers: [("Cache-Control", "no-store")])
    }

    private func health(_ isGood: (NodeStatus) -> Bool) -> HTTPResponse {
        let status = cache.status(of: node)
        return HTTPResponse(
            isGood(status) ? .ok : .unavailable, type: "text/plain; charset=utf-8",
            "\(status.role.rawValue) \(status.phase.rawValue)\n", headers: [("Cache-Control", "no-store")])
    }

    private func isFileName(_ path: String) -> Bool {
        guard case .file(let file) = node.fileAccess else { return false }
        return path.dropFirst() == file.name
    }

    private func file(_ request: HTTPRequest) -> HTTPResponse {
        switch node.fileAccess {
        case .file(let file):
            let seconds = file.isWhole ? 1 : cache.status(of: node).retryAfterSeconds
            return FileAnswer(file: file, retryAfterSeconds: seconds, boundary: boundary).answer(request)
        case .unknown:
            return HTTPResponse(
                HTTPFault(.unavailable, "no owner has said yet what the file is"), headers: [("Retry-After", "2")])
        case .changed:
            return HTTPResponse(HTTPFault(.internalError, "the file was changed on disk; it is not what it was"))
        }
    }
}

extension NodeStatus {
    var isHealthy: Bool { failure == nil && phase != .leaving }

    /// When what is missing should be there, at the rate so far.
    var retryAfterSeconds: Int {
        let come = Double(traffic.fromOwner + traffic.fromPeers)
        guard let file, come > 0 else { return HTTPLimits.retryAfterSeconds.lowerBound + 4 }
        let rest = Double(file.layout.fileByteCount - heldByteCount)
        let bounds = HTTPLimits.retryAfterSeconds
        return min(max(Int(min(rest * seconds / come, 1e6).rounded(.up)), bounds.lowerBound), bounds.upperBound)
    }
}

/// The last status, for all who ask within a moment.
final class StatusCache: Sendable {
    private let last = Lock<(status: NodeStatus, at: UInt64)?>(nil)

    func status(of node: any ObservableNode) -> NodeStatus {
        let now = MonotonicClock.nowNanoseconds
        if let (status, at) = last.withLock({ $0 }), now < at + HTTPLimits.statusNanoseconds { return status }
        let status = node.status
        last.withLock { $0 = (status, now) }
        return status
    }
}
