import MillraceIO
import MillraceWire

/// Who a peer is, kept in its folder, so that a peer which is started again is the same one to everybody else.
///
/// A copy of the folder is another peer: what is kept names the machine and the file it was written to.
public enum NodeIdentity {
    private static let fileName = "identity.txt"
    private static let firstLine = "millrace identity 1"
    private static let largestByteCount = 4096

    /// The token of the folder's node; a new one, which is kept, where there is none that can be used. What is in its
    /// place and none of ours may be somebody's own file: it keeps its bytes under another name.
    public static func token(in lock: FolderLock) throws(StoreError) -> NodeToken {
        let path = lock.path + "/" + fileName
        return try storing(at: path) { () throws(SystemError) in
            var file = try System.open(path, [.readWrite, .create])
            let bytes = try read(file.rawValue, path)
            if let token = token(in: bytes, home: try home(of: file.rawValue, path)) { return token }
            if !isOurs(bytes) {
                try SetAside.keep(path)
                file = try System.open(path, [.readWrite, .create])
            }
            return try write(.random(), to: file.rawValue, path, home: try home(of: file.rawValue, path))
        }
    }

    private static func home(of file: CInt, _ path: String) throws(SystemError) -> String {
        "\(Machine.name) \(try System.status(of: file, path).inode)"
    }

    /// Empty, or begun by us: it may be torn, or of another place.
    private static func isOurs(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: firstLine.utf8) || firstLine.utf8.starts(with: bytes)
    }

    /// Another token in place of the one that turned out to be somebody else's too.
    public static func renew(in lock: FolderLock) throws(StoreError) -> NodeToken {
        let path = lock.path + "/" + fileName
        try storing(at: path) { () throws(SystemError) in try System.remove(path) }
        return try token(in: lock)
    }

    private static func text(_ token: NodeToken, home: String) -> String {
        let line = "\(digits(token.high))\(digits(token.low)) at \(EscapedName.escape(home))"
        return "\(firstLine)\n\(line)\n\(String(CRC32.of(line.utf8), radix: 16))\n"
    }

    private static func digits(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func read(_ file: CInt, _ path: String) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: largestByteCount)
        var fault: SystemError?
        let count = bytes.withUnsafeMutableBytes { buffer in
            do throws(SystemError) {
                return try System.read(file, at: 0, into: buffer, path)
            } catch {
                fault = error
                return 0
            }
        }
        if let fault { throw fault }
        return Array(bytes.prefix(count))
    }

    /// Nil for a file that is empty, torn, of another place, or none of ours.
    private static func token(in bytes: [UInt8], home: String) -> NodeToken? {
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = text.split(separator: "\n")
        guard lines.count == 3, lines[1].utf8.count > 32 else { return nil }
        let digits = lines[1].prefix(32)
        guard let high = UInt64(digits.prefix(16), radix: 16), let low = UInt64(digits.suffix(16), radix: 16) else {
            return nil
        }
        let token = NodeToken(high: high, low: low)
        return token != .unknown && text == self.text(token, home: home) ? token : nil
    }

    private static func write(
        _ token: NodeToken, to file: CInt, _ path: String, home: String
    ) throws(SystemError) -> NodeToken {
        var fault: SystemError?
        try System.setLength(file, byteCount: 0, path)
        Array(text(token, home: home).utf8).withUnsafeBytes { bytes in
            do throws(SystemError) {
                try System.write(file, at: 0, bytes, path)
            } catch {
                fault = error
            }
        }
        if let fault { throw fault }
        return token
    }
}
