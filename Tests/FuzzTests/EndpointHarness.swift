@testable import MillraceNode

/// An address as somebody might type it: one that is taken has a port, no empty host, and can be written and read
/// again.
enum EndpointHarness {
    static func run(_ bytes: [UInt8]) -> Bool {
        guard let endpoint = Endpoint(String(decoding: bytes, as: UTF8.self)) else { return true }
        hold(endpoint.port > 0 && endpoint.host != "")
        hold(Endpoint(endpoint.description) == endpoint)
        return true
    }
}
