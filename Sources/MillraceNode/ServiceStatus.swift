import MillraceIO

/// What `systemctl status` shows of a node; silent where no service manager has started the process.
struct ServiceStatus {
    private let manager: ServiceManager?
    private var said = ""
    /// When to look next whether there is something new to say; never where nobody listens.
    private(set) var lookNanoseconds: UInt64

    private static let pauseNanoseconds: UInt64 = 2_000_000_000

    init(manager: ServiceManager? = ServiceManager()) {
        self.manager = manager
        lookNanoseconds = manager == nil ? .max : 0
    }

    /// The node listens and can be connected to.
    func ready() { manager?.tell("READY=1") }

    /// Says how the node stands where that has changed, at most every two seconds.
    mutating func tell(_ text: @autoclosure () -> String, now: UInt64) {
        guard let manager, now >= lookNanoseconds else { return }
        lookNanoseconds = now.adding(ServiceStatus.pauseNanoseconds)
        let text = text()
        guard text != said else { return }
        manager.tell("STATUS=\(text)")
        said = text
    }

    /// The node is on its way out.
    func stopping(_ failure: NodeFailure?) {
        manager?.tell("STOPPING=1\nSTATUS=\(failure?.text ?? "done")")
    }
}

extension PeerNode {
    var statusText: String {
        state.withLock { state in
            switch state.phase {
            case .waiting: "waiting for the owner at \(options.owner)"
            case .fetching:
                "fetching, \(state.policy?.have.count ?? 0) of \(state.manifest?.layout.chunkCount ?? 0) chunks"
            case .assembling: "putting the file together"
            case .complete: "complete and verified, serving others"
            case .leaving: "leaving"
            }
        }
    }
}

extension OwnerNode {
    var statusText: String {
        state.withLock { state in
            let present = state.members.count { $0.link != nil }
            let complete = state.completedCount
            return "serving \(file.name), \(present) \(present == 1 ? "peer" : "peers") here,"
                + " \(complete) \(complete == 1 ? "has" : "have") the file"
        }
    }
}
