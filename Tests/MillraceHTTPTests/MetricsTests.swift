import MillraceWire
import Testing

@testable import MillraceHTTP
@testable import MillraceNode

/// The rules of the Prometheus text format, as `promtool check metrics` has them.
@Suite(.timeLimit(.minutes(5))) struct MetricsTests {
    struct Sample {
        let name: String
        let labels: String
    }

    /// Reads a text by the letter of the format; records what breaks it.
    static func parse(_ text: String) -> (types: [(name: String, kind: String)], samples: [Sample]) {
        var helped: [String] = []
        var types: [(name: String, kind: String)] = []
        var samples: [Sample] = []
        let sample = #/([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/#
        let labels = #/(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*/#
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            if let help = line.wholeMatch(of: #/# HELP (\S+) (.+)/#) {
                #expect(!helped.contains(String(help.1)), "\(line)")
                helped.append(String(help.1))
            } else if let type = line.wholeMatch(of: #/# TYPE (\S+) (counter|gauge|summary)/#) {
                #expect(helped.last == String(type.1), "help comes first: \(line)")
                types.append((String(type.1), String(type.2)))
            } else if let found = line.wholeMatch(of: sample) {
                #expect(Double(found.3) != nil, "\(line)")
                #expect((found.2 ?? "").wholeMatch(of: labels) != nil, "\(line)")
                samples.append(Sample(name: String(found.1), labels: String(found.2 ?? "")))
                let family = types.last.map { $0.name } ?? ""
                let names = types.last?.kind == "summary" ? [family + "_sum", family + "_count"] : [family]
                #expect(names.contains(String(found.1)), "a sample stands with its metric: \(line)")
            } else {
                Issue.record("not of the format: \(line)")
            }
        }
        return (types, samples)
    }

    private func text(_ role: NodeStatus.Role) throws -> String {
        let node = try StubNode(byteCount: 10_000)
        guard case .file(let file) = node.fileAccess else { return "" }
        let status = StubNode.status(
            file, peer: 3, role: role, members: StatusTests.members, sources: StatusTests.sources)
        return Metrics.text(status, HTTPCounters().values, .now)
    }

    @Test(arguments: [NodeStatus.Role.owner, .peer]) func theTextKeepsTheFormat(role: NodeStatus.Role) throws {
        let text = try text(role)
        #expect(text.hasSuffix("\n"))
        let (types, samples) = Self.parse(text)
        #expect(types.count > 15)
        let keys = samples.map { $0.name + "{" + $0.labels + "}" }
        #expect(Set(keys).count == keys.count, "no sample comes twice")
        for type in types {
            #expect((type.kind == "counter") == type.name.hasSuffix("_total"), "\(type.name)")
            #expect(type.name.hasPrefix("millrace_") || type.name.hasPrefix("process_"))
            #expect(!type.name.contains("_ms") && !type.name.contains("milli"), "base units: \(type.name)")
        }
    }

    @Test func aPeerWithoutOwnerHasMetricsToo() {
        let status = StubNode.status(nil, peer: nil, phase: .waiting)
        let (_, samples) = Self.parse(Metrics.text(status, HTTPCounters().values, .now))
        #expect(samples.contains { $0.name == "millrace_phase" && $0.labels == "phase=\"waiting\"" })
    }

    @Test func labelsAreEscaped() {
        #expect(MetricsWriter.escaped("a\"b\\c\nd") == "a\\\"b\\\\c\\nd")
    }

    @Test func whatIsServedIsCounted() throws {
        let node = try StubNode(byteCount: 5000)
        let server = try TestServer(node)
        _ = try TestClient.ask(server.port, "/file", ["Range: bytes=0-99"])
        _ = try TestClient.ask(server.port, "/nothing")
        let text = try TestClient.ask(server.port, "/metrics").text
        #expect(text.contains("millrace_http_responses_total{code=\"206\"} 1\n"))
        #expect(text.contains("millrace_http_responses_total{code=\"404\"} 1\n"))
        #expect(!text.contains("millrace_http_sent_bytes_total 0\n"))
    }
}
