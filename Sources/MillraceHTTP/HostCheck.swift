import MillraceIO

/// Which hosts a request may be for. A page from elsewhere can have its own name lead to this machine (DNS rebinding),
/// but can't choose the name that the browser then sends: addresses and this machine's own names pass, others do not.
struct HostCheck: Sendable {
    private let names: [String]

    /// - Parameters:
    ///   - listenHost: the host that the server listens on, as its user gave it.
    ///   - machineName: what this machine calls itself.
    ///   - more: other names its user allows: aliases, a proxy in front.
    init(listenHost: String?, machineName: String, more: [String]) {
        let short = String(machineName.prefix { $0 != "." })
        let own = [listenHost ?? "", machineName, short, short.isEmpty ? "" : short + ".local"]
        names = (["localhost"] + own + more).map { $0.lowercased() }.filter { !$0.isEmpty }
    }

    /// - Parameter host: in lower case, without port; nil where a request names none, which no browser does.
    func allows(_ host: String?) -> Bool {
        guard let host else { return true }
        // A dot at the end makes a name absolute and means the same.
        let bare = host.hasSuffix(".") ? String(host.dropLast()) : host
        return HostCheck.isAddress(bare) || names.contains(bare) || bare.hasSuffix(".localhost")
    }

    /// An IPv4 address in four decimal numbers, or anything in brackets, which no name is.
    static func isAddress(_ host: String) -> Bool {
        if host.hasPrefix("["), host.hasSuffix("]") { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                part.utf8.count <= 3 && part.utf8.allSatisfy { (48...57).contains($0) } && UInt8(part) != nil
            }
    }
}
