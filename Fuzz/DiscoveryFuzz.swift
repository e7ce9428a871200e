/// One datagram: what is taken as a query or reply is written the same again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDiscovery(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let query = DiscoveryQuery(bytes.span.bytes) { precondition(query.datagram == bytes) }
    if let reply = DiscoveryReply(bytes.span.bytes) { precondition(reply.datagram == bytes) }
    return 0
}
