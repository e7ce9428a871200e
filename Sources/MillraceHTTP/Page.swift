import MillraceIO

/// The page, one answer with all in it. Its policy lets in what is in it, by digest, and nothing else: no script from
/// elsewhere runs, and none that somebody would get into a name.
struct Page: Sendable {
    let response: HTTPResponse

    init() {
        let style = PackageResources.page_css
        let script = [PackageResources.format_js, PackageResources.draw_js, PackageResources.page_js].flatMap { $0 }
        let markup = String(decoding: PackageResources.page_html, as: UTF8.self)
        let text = markup.replacing("/*STYLE*/", with: String(decoding: style, as: UTF8.self))
            .replacing("/*SCRIPT*/", with: String(decoding: script, as: UTF8.self))
        let policy = [
            "default-src 'none'", "style-src 'sha256-\(Page.digest(style))'",
            "script-src 'sha256-\(Page.digest(script))'", "connect-src 'self'", "img-src data:", "base-uri 'none'",
            "form-action 'none'", "frame-ancestors 'none'",
        ]
        response = HTTPResponse(
            .ok, type: "text/html; charset=utf-8", text,
            headers: [
                ("Content-Security-Policy", policy.joined(separator: "; ")), ("Cache-Control", "no-cache"),
            ])
    }

    private static func digest(_ bytes: [UInt8]) -> String {
        var hasher = SHA256Hasher()
        bytes.withUnsafeBytes { hasher.update($0) }
        let digest = hasher.finish()
        return base64((0..<32).map { digest[$0] })
    }

    /// RFC 4648, section 4.
    static func base64(_ bytes: [UInt8]) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = (0..<3).reduce(UInt32(0)) { value, index in
                value << 8 | (start + index < bytes.count ? UInt32(bytes[start + index]) : 0)
            }
            let count = min(3, bytes.count - start)
            for index in 0..<4 {
                let digit = digits[Int(group >> UInt32(18 - 6 * index) & 63)]
                text.append(index <= count ? digit : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
