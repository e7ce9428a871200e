/// The check that a name from the network passes before it becomes a name on disk.
public enum OutputName {
    static let partSuffix = ".part"
    private static let largestByteCount = 255

    /// Whether it can stand in a line of text.
    public static func isPrintable(_ name: String) -> Bool {
        name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    /// Whether it is a plain file name: no separators, no control characters, not `.` or `..`, not a growing file's.
    public static func isPlain(_ name: String) -> Bool {
        isPrintable(name) && !name.utf8.contains(UInt8(ascii: "/")) && !name.isEmpty && name != "." && name != ".."
            && !name.hasSuffix(partSuffix) && name.utf8.count <= largestByteCount
    }

    /// Returns the name if it is a plain one that a file in a node's folder can have: it grows under a longer one, and
    /// has others beside it.
    public static func check(_ name: String) throws(StoreError) -> String {
        guard isPlain(name), name.utf8.count + partSuffix.utf8.count <= largestByteCount,
            !NodeFolder.ownNames.contains(name)
        else { throw .badName(name) }
        return name
    }
}

/// Names in text files and messages: control characters, line ends and `%` as `%` and two hexadecimal digits.
enum EscapedName {
    static func escape(_ name: String) -> String {
        var result = ""
        for scalar in name.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: escape(scalar, into: &result)
            case _ where scalar == "%": escape(scalar, into: &result)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Nil where the escapes are not well formed.
    static func unescape(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func escape(_ scalar: Unicode.Scalar, into result: inout String) {
        for byte in String(scalar).utf8 {
            result += byte < 16 ? "%0" : "%"
            result += String(byte, radix: 16)
        }
    }
}
