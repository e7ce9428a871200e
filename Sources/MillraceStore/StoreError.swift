import MillraceIO
import MillraceWire

/// The two ways to keep a file's chunks on disk.
public enum StoreKind: String, Sendable, CaseIterable {
    /// One file per chunk.
    case chunks
    /// One file for all.
    case flat
}

/// What went wrong with files and folders. Each text is one line and says what to do.
public enum StoreError: Error, Sendable {
    case system(SystemError)
    /// With what is needed and what is there; nil where only a failed write told, which may lack inodes or quota.
    case noSpace(path: String, neededByteCount: UInt64, freeByteCount: UInt64? = nil, flatNeedsLess: Bool = false)
    case outputExists(String)
    /// Another node writes the growing file.
    case outputInUse(String)
    /// What has the growing file's name is none that an earlier run left.
    case foreignPart(String)
    /// The growing file lost its name while it was written.
    case partReplaced(String)
    /// The folder belongs to another file or to a process that runs.
    case foreignFolder(path: String, holds: String)
    case badName(String)
    /// The name that the owner's file has is none that peers could take.
    case badSourceName(String)
    /// More chunks of this size than there are chunk IDs.
    case tooManyChunks(path: String, chunkByteCount: UInt32)
    case sourceChanged(String)
    case sourceNotAFile(String)
    /// The owner's folder was made from what the file was before.
    case sourceReplaced(path: String, folder: String, difference: String)
    /// The finished file is not, or no more, what the owner offers.
    case outputChanged(String)
    case notVerified(ChunkID)
}

extension StoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .system(let error): error.description
        case .noSpace(let path, let needed, let free, let flatNeedsLess):
            "no space at \(path)\(StoreError.detail(needed, free)); free some"
                + (flatNeedsLess ? ", use --store flat," : "") + " or choose another folder with --dir or --output"
        case .outputExists(let path): "\(path) exists already; remove it or choose another name with --output"
        case .outputInUse(let path):
            "\(path) is being written by another millrace; wait until that has ended, or choose another name with"
                + " --output"
        case .foreignPart(let path):
            "\(path) is there already and none of this file; remove it or choose another name with --output"
        case .partReplaced(let path):
            "\(path) was removed or replaced while it was written; start the same command again"
        case .foreignFolder(let path, let holds):
            "folder \(path) holds \(holds); choose another one with --dir, or remove it if it is not needed any more"
        case .sourceReplaced(let path, let folder, let difference):
            "\(path) has changed since folder \(folder) was made from it (another \(difference));"
                + " remove that folder, or choose another one with --dir"
        case .outputChanged(let path):
            "\(path) is not what the owner offers: it was changed, or the owner has another version now; move it away"
                + " to fetch that, or choose another name with --output"
        case .badName(let name):
            "\(EscapedName.escape(name)) can't be the name of a file here; give one with --output"
        case .badSourceName(let name):
            "\(EscapedName.escape(name)) can't be the name of a file at the peers; rename it where it is served"
        case .tooManyChunks(let path, let chunkByteCount):
            "\(path) has too many chunks of \(chunkByteCount) bytes; give a larger --chunk-size"
        case .sourceChanged(let path): "\(path) changed while it was being served; start again when it is at rest"
        case .sourceNotAFile(let path): "\(path) is not a regular file; give one"
        case .notVerified(let chunk): "chunk \(chunk) on disk does not match its digest; it must be fetched again"
        }
    }
}

extension StoreError {
    private static func detail(_ needed: UInt64, _ free: UInt64?) -> String {
        if let free { return ": \(needed) bytes are needed and \(free) are there" }
        let cause = "no space, quota or inodes left"
        return needed > 0 ? ": \(needed) bytes could not be written (\(cause))" : " (\(cause))"
    }
}

/// Runs file calls and turns a failure into a store error; a full disk is told with its path and what was wanted.
func storing<Result: ~Copyable>(
    at path: String, neededByteCount: UInt64 = 0, _ body: () throws(SystemError) -> Result
) throws(StoreError) -> Result {
    do throws(SystemError) {
        return try body()
    } catch {
        throw error.isNoSpace ? .noSpace(path: path, neededByteCount: neededByteCount) : .system(error)
    }
}
