/// What makes one version of the file differ from another: its content ID and its time, as far as they are known.
struct Validators: Equatable {
    /// In quotes, strong.
    var tag: String?
    /// In seconds since 1970.
    var modifiedSeconds: Int64?
}

/// Conditional requests (RFC 9110, section 13).
enum Preconditions {
    enum Outcome: Equatable { case proceed, notModified, failed }

    /// In the order of section 13.2.2.
    static func evaluate(_ request: HTTPRequest, _ validators: Validators) -> Outcome {
        if let tags = request.header("if-match") {
            if !matches(tags, validators.tag, isWeak: false) { return .failed }
        } else if let since = date(request, "if-unmodified-since"), let modified = validators.modifiedSeconds {
            if modified > since { return .failed }
        }
        if let tags = request.header("if-none-match") {
            if matches(tags, validators.tag, isWeak: true) { return .notModified }
        } else if let since = date(request, "if-modified-since"), let modified = validators.modifiedSeconds {
            if modified <= since { return .notModified }
        }
        return .proceed
    }

    /// Whether a Range header counts: without If-Range it does, else only for the very same version (section 13.1.5).
    static func rangeCounts(_ request: HTTPRequest, _ validators: Validators) -> Bool {
        guard let condition = request.header("if-range") else { return true }
        if condition.hasPrefix("\"") { return condition == validators.tag }
        guard let seconds = HTTPDate.seconds(condition) else { return false }
        return seconds == validators.modifiedSeconds
    }

    private static func date(_ request: HTTPRequest, _ name: String) -> Int64? {
        request.header(name).flatMap { HTTPDate.seconds($0) }
    }

    private static func matches(_ list: String, _ tag: String?, isWeak: Bool) -> Bool {
        if list.trimmed == "*" { return true }
        guard let tag else { return false }
        return list.split(separator: ",").contains { entry in
            let entry = entry.trimmed
            return entry == tag || (isWeak && entry == "W/" + tag)
        }
    }
}
