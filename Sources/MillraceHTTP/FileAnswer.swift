import MillraceNode

/// The answer to a request for the file. Pure: what is there is an argument.
struct FileAnswer {
    let file: ServedFile
    /// After how many seconds to ask again for what is not there yet.
    let retryAfterSeconds: Int
    /// Stands between the parts of an answer with several ranges.
    let boundary: String

    private static let type = "application/octet-stream"

    private var byteCount: UInt64 { file.layout.fileByteCount }

    private var validators: Validators {
        Validators(tag: file.contentID.map { "\"\($0)\"" }, modifiedSeconds: file.modificationSeconds)
    }

    private var headers: [(name: String, value: String)] {
        var headers = [("Accept-Ranges", "bytes"), ("Cache-Control", "no-cache")]
        if let tag = validators.tag { headers.append(("ETag", tag)) }
        if let seconds = validators.modifiedSeconds { headers.append(("Last-Modified", HTTPDate.text(seconds))) }
        headers.append(("Content-Disposition", FileAnswer.disposition(file.name)))
        return headers.map { (name: $0.0, value: $0.1) }
    }

    func answer(_ request: HTTPRequest) -> HTTPResponse {
        switch Preconditions.evaluate(request, validators) {
        case .failed: return HTTPResponse(HTTPFault(.preconditionFailed, "this is another version of the file"))
        case .notModified: return HTTPResponse(.notModified, headers: headers)
        case .proceed: break
        }
        let isRanged = request.method == "GET" && Preconditions.rangeCounts(request, validators)
        switch ByteRanges(isRanged ? request.header("range") : nil, byteCount: byteCount) {
        case .unsatisfiable:
            return HTTPResponse(
                HTTPFault(.rangeNotSatisfiable, "the file has \(byteCount) bytes"),
                headers: [("Content-Range", "bytes */\(byteCount)")])
        case .all: return whole()
        case .some(let ranges): return ranges.count == 1 ? single(ranges[0]) : multiple(ranges)
        }
    }

    private func whole() -> HTTPResponse {
        guard file.isWhole else { return notYet() }
        let body: [HTTPResponse.Part] = byteCount > 0 ? [.file(0..<byteCount)] : []
        return HTTPResponse(.ok, headers: [("Content-Type", Self.type)] + headers, body: body, file: file)
    }

    private func single(_ range: Range<UInt64>) -> HTTPResponse {
        guard file.holds(range) else { return notYet() }
        let headers = [("Content-Type", Self.type), ("Content-Range", contentRange(range))] + headers
        return HTTPResponse(.partialContent, headers: headers, body: [.file(range)], file: file)
    }

    /// RFC 9110, section 14.6.
    private func multiple(_ ranges: [Range<UInt64>]) -> HTTPResponse {
        guard ranges.allSatisfy({ file.holds($0) }) else { return notYet() }
        var body: [HTTPResponse.Part] = []
        for (index, range) in ranges.enumerated() {
            let start = index == 0 ? "" : "\r\n"
            let text =
                "\(start)--\(boundary)\r\nContent-Type: \(Self.type)\r\nContent-Range: \(contentRange(range))\r\n\r\n"
            body += [.bytes(Array(text.utf8)), .file(range)]
        }
        body.append(.bytes(Array("\r\n--\(boundary)--\r\n".utf8)))
        let headers = [("Content-Type", "multipart/byteranges; boundary=\(boundary)")] + headers
        return HTTPResponse(.partialContent, headers: headers, body: body, file: file)
    }

    /// All or nothing: some clients take a shorter range than they asked for to be the whole of it.
    private func notYet() -> HTTPResponse {
        let text =
            "not all of this is here yet: \(file.held.count) of \(file.layout.chunkCount) chunks are verified;"
            + " /status has the map, another node may have the rest"
        let headers = [("Retry-After", "\(retryAfterSeconds)"), ("Accept-Ranges", "bytes")]
        return HTTPResponse(HTTPFault(.unavailable, text), headers: headers.map { (name: $0.0, value: $0.1) })
    }

    private func contentRange(_ range: Range<UInt64>) -> String {
        "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(byteCount)"
    }

    /// RFC 6266: a plain name for old programs, the real one for all others. The name comes from outside.
    static func disposition(_ name: String) -> String {
        let plain = name.unicodeScalars.map { scalar -> String in
            let isPlain = (32...126).contains(scalar.value) && scalar != "\"" && scalar != "\\"
            return isPlain ? String(scalar) : "_"
        }
        return "attachment; filename=\"\(plain.joined())\"; filename*=UTF-8''\(PercentCoding.encode(name))"
    }
}
