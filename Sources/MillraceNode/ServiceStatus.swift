import MillraceIO

/// What `systemctl status` shows of a node; silent where no service manager has started the process.
struct ServiceStatus {
    private let manager: ServiceManager?
    private var said = ""
    private var nextNanoseconds: UInt64 = 0

    private static let pauseNanoseconds: UInt64 = 2_000_000_000

    init(manager: ServiceManager? = ServiceManager()) {
        self.manager = manager
    }

    /// The node listens and can be connected to.
    func ready() { manager?.tell("READY=1") }

    /// Says how the node stands where that has changed, at most every two seconds.
    mutating func tell(_ text: @autoclosure () -> String, now: UInt64) {
        guard let manager, now >= nextNanoseconds else { return }
        let text = text()
        guard text != said else { return }
        manager.tell("STATUS=\(text)")
        said = text
        nextNanoseconds = now.adding(ServiceStatus.pauseNanoseconds)
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
            return "serving \(file.name), \(present) peers here, \(state.completedCount) have the file"
        }
    }
}
