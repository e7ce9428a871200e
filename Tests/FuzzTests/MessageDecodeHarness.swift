@testable import MillraceWire

/// One frame: what decodes must encode to a frame that decodes to the same message.
enum MessageDecodeHarness {
    static func run(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= WireLimits.frameHeaderByteCount else { return false }
        guard let message = decode(bytes) else { return true }
        hold(decode(message.frame) == message)
        return true
    }

    private static func decode(_ bytes: [UInt8]) -> Message? {
        let size = WireLimits.frameHeaderByteCount
        guard case .known(let header) = try? FrameHeader.parse(bytes.span.bytes.extracting(0..<size)),
            !header.type.carriesChunk, header.payloadByteCount <= bytes.count - size
        else { return nil }
        let payload = bytes.span.bytes.extracting(size..<(size + header.payloadByteCount))
        return try? Message.decode(header, payload: payload)
    }
}
