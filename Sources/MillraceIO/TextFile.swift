/// Small files written whole.
public enum TextFile {
    /// Writes the text to a new file, or over an old one.
    public static func write(_ text: String, to path: String) throws(SystemError) {
        let file = try System.open(path, [.writeOnly, .create, .truncate])
        var fault: SystemError?
        Array(text.utf8).withUnsafeBytes { bytes in
            do throws(SystemError) {
                try Console.write(bytes, to: file.rawValue)
            } catch {
                fault = error
            }
        }
        if let fault { throw fault }
    }
}
