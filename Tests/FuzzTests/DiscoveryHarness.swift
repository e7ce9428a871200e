import MillraceWire

/// A datagram: what is taken as a query or a reply must be written the same again.
enum DiscoveryHarness {
    static func run(_ bytes: [UInt8]) -> Bool {
        let (query, reply) = (DiscoveryQuery(bytes.span.bytes), DiscoveryReply(bytes.span.bytes))
        if let query { hold(query.datagram == bytes) }
        if let reply { hold(reply.datagram == bytes) }
        return query != nil || reply != nil
    }
}
