@testable import MillraceWire

/// One datagram: what is taken as a query or a reply is written the same again.
enum DiscoveryHarness {
    static func run(_ bytes: [UInt8]) -> Bool {
        if let query = DiscoveryQuery(bytes.span.bytes) { hold(query.datagram == bytes) }
        if let reply = DiscoveryReply(bytes.span.bytes) { hold(reply.datagram == bytes) }
        return true
    }
}
