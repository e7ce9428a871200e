/// One frame: what decodes must encode to a frame that decodes to the same message.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMessageDecode(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let size = WireLimits.frameHeaderByteCount
    guard count >= size else { return -1 }
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let message = decode(bytes) else { return 0 }
    precondition(decode(message.frame) == message)
    return 0
}

private func decode(_ bytes: [UInt8]) -> Message? {
    let size = WireLimits.frameHeaderByteCount
    guard case .known(let header) = try? FrameHeader.parse(bytes.span.bytes.extracting(0..<size)),
        !header.type.carriesChunk, header.payloadByteCount <= bytes.count - size
    else { return nil }
    return try? Message.decode(header, payload: bytes.span.bytes.extracting(size..<(size + header.payloadByteCount)))
}
