import MillraceIO

/// A node's folder while this process has it: no other node may use it. The lock ends with its last reference, or with
/// the process, however that ends (flock(2)).
public final class FolderLock: Sendable {
    public let path: String
    let descriptor: Descriptor

    /// Makes the folder if it is not there. Throws `foreignFolder` when another node uses it.
    public init(path: String) throws(StoreError) {
        self.path = path
        descriptor = try storing(at: path) { () throws(SystemError) in
            try System.makeFolders(path)
            return try System.open(path + "/lock", [.readWrite, .create])
        }
        let number = descriptor.rawValue
        guard try storing(at: path, { () throws(SystemError) in try System.lock(number, path) }) else {
            throw .foreignFolder(path: path, holds: "the files of a millrace that is running")
        }
    }
}
