import MillraceIO

/// A file that gets a node's events, notices and report, after what it holds already.
public final class LogFile: Sendable {
    public let path: String
    private let file: Descriptor

    /// Opens the file, or makes it. Throws when its folder is missing or may not be written to.
    public init(path: String) throws(NodeFailure) {
        self.path = path
        do throws(SystemError) {
            file = try System.open(path, [.writeOnly, .create, .append])
        } catch {
            throw NodeFailure(.fileFault, "can't write the log \(path): \(error); choose another --log-file")
        }
    }

    var descriptor: CInt { file.rawValue }
}
