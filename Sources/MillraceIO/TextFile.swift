/// Small files written whole.
public enum TextFile {
    /// Writes the text to a new file, or over an old one.
    public static func write(_ text: String, to path: String) throws(SystemError) {
        let file = try System.open(path, [.writeOnly, .create, .truncate])
        try System.append(file.rawValue, Array(text.utf8), path)
    }
}
