import MillraceIO
import MillraceNode
import MillraceWire

/// A status as metrics. Documentation/http.md has the list.
enum Metrics {
    static func text(_ status: NodeStatus, _ http: HTTPCounters.Values, _ process: ProcessUsage) -> String {
        var writer = MetricsWriter()
        node(status, &writer)
        file(status, &writer)
        traffic(status, &writer)
        if status.role == .owner { members(status, &writer) } else { sources(status, &writer) }
        self.http(http, &writer)
        self.process(process, &writer)
        return writer.text
    }

    private static func node(_ status: NodeStatus, _ writer: inout MetricsWriter) {
        writer.metric("millrace_node_info", .gauge, "What this node is; always 1.")
        let labels = [
            ("role", status.role.rawValue), ("peer", status.peer.map { "\($0)" } ?? ""),
            ("transport", status.transport), ("store", status.storeKind.rawValue),
            ("protocol", "\(WireLimits.newestVersion)"),
        ]
        writer.sample(1, labels)
        writer.metric("millrace_phase", .gauge, "1 for the phase that the node is in, 0 for the others.")
        for phase in NodeStatus.Phase.allCases {
            writer.sample(phase == status.phase ? 1 : 0, [("phase", phase.rawValue)])
        }
        writer.metric("millrace_uptime_seconds", .gauge, "Seconds since the node began to run.")
        writer.sample(status.seconds)
        writer.metric(
            "millrace_owner_connected", .gauge, "Whether a peer has a connection to its owner.",
            status.hasOwner ? 1 : 0)
        writer.metric(
            "millrace_clients", .gauge, "Nodes that are connected to fetch from this one.", status.clientCount)
        writer.metric("millrace_ring_members", .gauge, "Members of the swarm now, as this node knows it.")
        writer.sample(status.members.count { $0.isPresent })
    }

    private static func file(_ status: NodeStatus, _ writer: inout MetricsWriter) {
        writer.metric("millrace_file_complete", .gauge, "Whether the whole file is here and verified.")
        writer.sample(status.isWhole ? 1 : 0)
        guard let file = status.file else { return }
        let layout = file.layout
        writer.metric("millrace_file_size_bytes", .gauge, "Bytes of the file.", layout.fileByteCount)
        writer.metric("millrace_file_chunks", .gauge, "Chunks of the file.", layout.chunkCount)
        writer.metric("millrace_chunk_size_bytes", .gauge, "Bytes of a chunk.", layout.chunkByteCount)
        writer.metric(
            "millrace_held_chunks", .gauge, "Chunks verified here (peer) or hashed (owner).", status.held.count)
        writer.metric("millrace_held_bytes", .gauge, "Bytes of the chunks held.", status.heldByteCount)
    }

    private static func traffic(_ status: NodeStatus, _ writer: inout MetricsWriter) {
        let traffic = status.traffic
        writer.metric("millrace_received_bytes_total", .counter, "File bytes verified, by where they came from.")
        writer.sample(traffic.fromOwner, [("from", "owner")])
        writer.sample(traffic.fromPeers, [("from", "peers")])
        writer.sample(traffic.fromDisk, [("from", "disk")])
        writer.metric(
            "millrace_duplicate_bytes_total", .counter, "File bytes that came though they were here.", traffic.twice)
        writer.metric("millrace_sent_bytes_total", .counter, "File bytes sent to nodes.", traffic.sent)
    }

    private static func members(_ status: NodeStatus, _ writer: inout MetricsWriter) {
        writer.metric("millrace_members", .gauge, "Peers by state; of those that have left, the last.")
        for state in [NodeStatus.Member.State.fetching, .complete, .gone] {
            writer.sample(status.members.count { $0.state == state }, [("state", state.rawValue)])
        }
        let present = status.members.filter { $0.isPresent }
        func labels(_ member: NodeStatus.Member) -> [(String, String)] {
            [("peer", "\(member.peer)"), ("address", member.address)]
        }
        writer.metric("millrace_member_held_chunks", .gauge, "Chunks that the peer says it holds.")
        for member in present { writer.sample(member.held?.count ?? 0, labels(member)) }
        writer.metric("millrace_member_sent_bytes_total", .counter, "File bytes sent to the peer from here.")
        for member in present { writer.sample(member.bytesSent ?? 0, labels(member)) }
        writer.metric("millrace_member_slow", .gauge, "Whether the peer lags far behind the others.")
        for member in present { writer.sample(member.isSlow ? 1 : 0, labels(member)) }
    }

    private static func sources(_ status: NodeStatus, _ writer: inout MetricsWriter) {
        func labels(_ source: NodeStatus.Source) -> [(String, String)] { [("peer", "\(source.peer)")] }
        writer.metric("millrace_sources", .gauge, "Peers that this one fetches from now.")
        writer.sample(status.sources.count { $0.isConnected })
        writer.metric("millrace_source_received_bytes_total", .counter, "File bytes from the source.")
        for source in status.sources { writer.sample(source.bytes, labels(source)) }
        writer.metric("millrace_source_late_requests_total", .counter, "Requests to the source that were late.")
        for source in status.sources { writer.sample(source.lateCount, labels(source)) }
        writer.metric("millrace_source_wait_seconds", .summary, "From a request to its chunk.")
        for source in status.sources {
            writer.sample(source.waitedSeconds, labels(source), suffix: "_sum")
            writer.sample(source.chunkCount, labels(source), suffix: "_count")
        }
        writer.metric("millrace_source_slow", .gauge, "Whether the source is far slower than the others.")
        for source in status.sources { writer.sample(source.isSlow ? 1 : 0, labels(source)) }
    }

    private static func http(_ http: HTTPCounters.Values, _ writer: inout MetricsWriter) {
        writer.metric("millrace_http_responses_total", .counter, "HTTP answers by status code.")
        for answer in http.answers where answer.count > 0 || answer.status == .ok {
            writer.sample(answer.count, [("code", "\(answer.status.rawValue)")])
        }
        writer.metric("millrace_http_sent_bytes_total", .counter, "Bytes of HTTP bodies sent.", http.sentByteCount)
        writer.metric("millrace_http_connections", .gauge, "HTTP connections now.", http.connectionCount)
        writer.metric(
            "millrace_http_refused_connections_total", .counter, "HTTP connections there was no room for.",
            http.refusedConnectionCount)
    }

    private static func process(_ process: ProcessUsage, _ writer: inout MetricsWriter) {
        writer.metric("process_cpu_seconds_total", .counter, "CPU time of the process in seconds.")
        writer.sample(process.cpuSeconds)
        writer.metric(
            "process_resident_memory_bytes", .gauge, "Resident memory of the process.", process.residentByteCount)
    }
}
