import CLiburing
import Glibc

/// Folders and files for demonstrations.
public enum TemporaryFolder {
    /// $TMPDIR, or /tmp.
    public static var base: String {
        getenv("TMPDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
    }

    public static func make(_ path: String) throws(SystemError) { try System.makeFolders(path) }

    public static func names(in path: String) throws(SystemError) -> [String] { try System.names(in: path) }

    /// Removes a folder and all in it; what can't be removed stays.
    public static func remove(_ path: String) {
        for name in (try? System.names(in: path)) ?? [] {
            let inner = "\(path)/\(name)"
            if (try? System.remove(inner)) == nil { remove(inner) }
        }
        _ = System.outcome("rmdir") { rmdir(path) }
    }

    /// Fills a new file with random bytes.
    public static func writeRandomFile(_ path: String, byteCount: Int) throws(SystemError) {
        let file = try System.open(path, [.writeOnly, .create, .truncate])
        let buffer = BufferPool(byteCount: 1 << 20, keep: 0).take()
        var written = 0
        while written < byteCount {
            let count = min(buffer.bytes.count, byteCount - written)
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
            try fill(piece)
            try System.write(file.rawValue, at: UInt64(written), UnsafeRawBufferPointer(piece), path)
            written += piece.count
        }
    }

    private static func fill(_ bytes: UnsafeMutableRawBufferPointer) throws(SystemError) {
        var filled = 0
        while filled < bytes.count {
            filled += try System.check("getrandom") {
                getrandom(bytes.baseAddress! + filled, min(256, bytes.count - filled), 0)
            }
        }
    }
}
