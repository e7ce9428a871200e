import CLiburing
import Glibc

extension System {
    /// Makes one folder; one that is there already is fine.
    package static func makeFolder(_ path: String) throws(SystemError) {
        let (_, code) = outcome("mkdir") { mkdir(path, 0o755) }
        guard code != 0 else { return }
        if code == EEXIST, try status(ofPath: path)?.isFolder == true { return }
        throw SystemError(call: "mkdir", errno: code, subject: path)
    }

    /// Makes a folder and those above it.
    package static func makeFolders(_ path: String) throws(SystemError) {
        if try status(ofPath: path)?.isFolder == true { return }
        let parent = Path.folder(of: path)
        if parent != path, parent != "." { try makeFolders(parent) }
        try makeFolder(path)
    }

    /// The names in a folder in ascending order of their bytes, without `.` and `..`.
    package static func names(in folder: String) throws(SystemError) -> [String] {
        var stream: OpaquePointer?
        try check("opendir", folder) {
            stream = opendir(folder)
            return stream == nil ? -1 : 0
        }
        guard let stream else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            var entry: UnsafeMutablePointer<dirent>?
            try check("readdir", folder) {
                errno = 0
                entry = readdir(stream)
                return entry == nil && errno != 0 ? -1 : 0
            }
            guard let entry else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// How many bytes a user without privileges can still write on the file system of a path.
    package static func freeByteCount(at path: String) throws(SystemError) -> UInt64 {
        var status = statvfs()
        try check("statvfs", path) { statvfs(path, &status) }
        let (product, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? .max : product
    }

    /// Gives a file another name, over whatever has that name.
    package static func rename(_ path: String, to target: String) throws(SystemError) {
        try check("rename", target) { Glibc.rename(path, target) }
    }

    /// Gives a file another name unless that is taken (EEXIST). Where the file system can't do that in one call, a file
    /// that gets the name between the look and the rename is lost.
    package static func renameWithoutReplacing(_ path: String, to target: String) throws(SystemError) {
        let (_, code) = outcome("renameat2") {
            renameat2(AT_FDCWD, path, AT_FDCWD, target, CUnsignedInt(millrace_RENAME_NOREPLACE))
        }
        switch code {
        case 0: return
        case EINVAL, ENOSYS: try renameByLink(path, to: target)
        default: throw SystemError(call: "renameat2", errno: code, subject: target)
        }
    }

    private static func renameByLink(_ path: String, to target: String) throws(SystemError) {
        let (_, code) = outcome("link") { Glibc.link(path, target) }
        switch code {
        case 0: try remove(path)
        // Neither way where the folder is FUSE's or shared by a virtual machine: then nothing better is to be had.
        case EPERM, ENOSYS, EOPNOTSUPP:
            guard try !exists(target) else { throw SystemError(call: "rename", errno: EEXIST, subject: target) }
            try rename(path, to: target)
        default: throw SystemError(call: "link", errno: code, subject: target)
        }
    }

    /// Takes a file's name away; one that is not there is fine.
    package static func remove(_ path: String) throws(SystemError) {
        let (_, code) = outcome("unlink") { unlink(path) }
        guard code == 0 || code == ENOENT else { throw SystemError(call: "unlink", errno: code, subject: path) }
    }

    /// Makes the names in a folder survive a power cut.
    package static func synchroniseFolder(_ path: String) throws(SystemError) {
        let folder = try open(path, [.readOnly, .folder])
        let (_, code) = outcome("fsync") { fsync(folder.rawValue) }
        // Some file systems (FUSE, old NFS) know no fsync of folders.
        guard code == 0 || code == EINVAL || code == ENOSYS || code == EOPNOTSUPP else {
            throw SystemError(call: "fsync", errno: code, subject: path)
        }
    }
}

/// Paths as text, by their slashes alone. Bytes, not characters: a combining mark behind a slash makes one character
/// with it, which is no slash.
package enum Path {
    private static let slash = UInt8(ascii: "/")

    package static func name(of path: String) -> String {
        path.utf8.split(separator: slash).last.map { String(Substring($0)) } ?? path
    }

    package static func folder(of path: String) -> String {
        var bytes = path.utf8[...]
        while bytes.count > 1, bytes.last == slash { bytes.removeLast() }
        guard let position = bytes.lastIndex(of: slash) else { return "." }
        return position == bytes.startIndex ? "/" : String(Substring(bytes[..<position]))
    }
}
