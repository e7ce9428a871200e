@testable import MillraceHTTP

/// What an HTTP connection carries: requests are the same in whatever pieces they come and however often it is looked,
/// and what follows from their headers stays within the file.
enum HTTPRequestHarness {
    private static let fileByteCount: UInt64 = 1_000

    static func run(_ bytes: [UInt8]) -> Bool {
        let whole = read(bytes[...], pieceByteCount: max(1, bytes.count))
        let pieces = read(bytes[...], pieceByteCount: 1 + Int(bytes.first ?? 0) % 7)
        hold(whole == pieces, "\(whole) or \(pieces)")
        return true
    }

    /// What comes out, in words: requests, then perhaps a fault.
    private static func read(_ bytes: ArraySlice<UInt8>, pieceByteCount: Int) -> [String] {
        var reader = RequestReader()
        var (rest, said) = (bytes, [String]())
        while !rest.isEmpty {
            rest.prefix(pieceByteCount).withUnsafeBytes { reader.append($0) }
            rest = rest.dropFirst(pieceByteCount)
            do {
                while let request = try reader.next() { said.append(words(request)) }
                let more = try reader.next()
                hold(more == nil)
            } catch {
                return said + ["\(error.status)"]
            }
        }
        return said
    }

    private static func words(_ request: HTTPRequest) -> String {
        let ranges = ByteRanges(request.header("range"), byteCount: fileByteCount)
        if case .some(let ranges) = ranges {
            for range in ranges { hold(!range.isEmpty && range.upperBound <= fileByteCount) }
        }
        let validators = Validators(tag: "\"tag\"", modifiedSeconds: 1_000_000_000)
        let outcome = Preconditions.evaluate(request, validators)
        let counts = Preconditions.rangeCounts(request, validators)
        let check = HostCheck(listenHost: nil, machineName: "node", more: [])
        return "\(request.method) \(request.path) \(ranges) \(outcome) \(counts) \(check.allows(request.host))"
    }
}
