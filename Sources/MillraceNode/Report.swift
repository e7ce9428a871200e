/// Number and text forms that the reports share.
enum Report {
    static func seconds(_ value: Double) -> String {
        let thousandths = UInt64(max(0, value) * 1000 + 0.5)
        let rest = "\(thousandths % 1000)"
        return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }

    static func hundredths(_ value: Double) -> String {
        let hundredths = UInt64(max(0, value) * 100 + 0.5)
        return "\(hundredths / 100)." + (hundredths % 100 < 10 ? "0" : "") + "\(hundredths % 100)"
    }

    static func rate(_ byteCount: UInt64, _ seconds: Double) -> String {
        guard seconds > 0 else { return "0 MB/s" }
        return "\(Report.seconds(Double(byteCount) / seconds / 1e6)) MB/s"
    }

    /// A JSON string (RFC 8259, section 7).
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
