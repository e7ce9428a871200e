import CLiburing
import Glibc

/// What the system knows of an open file or a path.
package struct FileStatus: Sendable, Equatable {
    package let byteCount: UInt64
    /// What the file takes on disk, holes left out.
    package let allocatedByteCount: UInt64
    package let device: UInt64
    package let inode: UInt64
    package let isRegular: Bool
    package let isFolder: Bool
    /// Another name leads to it too (hard link).
    package let hasOtherNames: Bool
    package let modificationSeconds: Int64
    package let modificationNanoseconds: Int64

    init(_ status: stat) {
        byteCount = UInt64(clamping: status.st_size)
        allocatedByteCount = UInt64(clamping: status.st_blocks) * 512
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        isRegular = status.st_mode & S_IFMT == S_IFREG
        isFolder = status.st_mode & S_IFMT == S_IFDIR
        hasOtherNames = status.st_nlink > 1
        modificationSeconds = Int64(status.st_mtim.tv_sec)
        modificationNanoseconds = Int64(status.st_mtim.tv_nsec)
    }

    package func isSameFile(as other: FileStatus?) -> Bool { device == other?.device && inode == other?.inode }
}

extension System {
    /// Opens a path; the descriptor is closed on exec. New files get `mode`, less the umask.
    package static func open(
        _ path: String, _ flags: OpenFlags, mode: mode_t = 0o644
    ) throws(SystemError) -> Descriptor {
        // Faults tell opening what is there from making what is not: only that needs space.
        let (result, code) = outcome(flags.contains(.create) ? "creat" : "open") {
            Glibc.open(path, flags.rawValue | O_CLOEXEC, mode)
        }
        guard code == 0 else { throw SystemError(call: "open", errno: code, subject: path) }
        return Descriptor(result)
    }

    /// Opens a new file without a name in a folder (O_TMPFILE); nil where the file system has none.
    package static func openUnnamed(in folder: String) throws(SystemError) -> Descriptor? {
        let (result, code) = outcome("creat") {
            Glibc.open(folder, CInt(millrace_O_TMPFILE) | O_RDWR | O_CLOEXEC, 0o644)
        }
        switch code {
        case 0: return Descriptor(result)
        case EOPNOTSUPP, EISDIR, EINVAL, ENOSYS: return nil
        default: throw SystemError(call: "open", errno: code, subject: folder)
        }
    }

    /// Gives a file without a name one, in place of any file that has it. Returns false where that can't be done.
    package static func link(_ descriptor: CInt, to path: String) throws(SystemError) -> Bool {
        var code = linkOnce(descriptor, path)
        if code == EEXIST {
            try remove(path)
            code = linkOnce(descriptor, path)
        }
        switch code {
        case 0: return true
        case ENOENT, EPERM, EOPNOTSUPP, EINVAL, EXDEV: return false
        default: throw SystemError(call: "linkat", errno: code, subject: path)
        }
    }

    private static func linkOnce(_ descriptor: CInt, _ path: String) -> CInt {
        let (_, code) = outcome("linkat") { linkat(descriptor, "", AT_FDCWD, path, CInt(millrace_AT_EMPTY_PATH)) }
        // Before Linux 6.10 the empty path wants a privilege; the way through /proc does not.
        guard code == ENOENT || code == EPERM else { return code }
        return outcome("linkat") {
            linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, path, CInt(AT_SYMLINK_FOLLOW))
        }.1
    }

    package static func status(of descriptor: CInt, _ subject: String? = nil) throws(SystemError) -> FileStatus {
        var status = stat()
        try check("fstat", subject) { fstat(descriptor, &status) }
        return FileStatus(status)
    }

    /// The status of what a path leads to, links followed; nil where there is nothing.
    package static func status(ofPath path: String) throws(SystemError) -> FileStatus? {
        var status = stat()
        let (_, code) = outcome("stat") { stat(path, &status) }
        if code == ENOENT || code == ENOTDIR { return nil }
        guard code == 0 else { throw SystemError(call: "stat", errno: code, subject: path) }
        return FileStatus(status)
    }

    /// Whether the name is taken, be it by a link that leads nowhere.
    package static func exists(_ path: String) throws(SystemError) -> Bool {
        var status = stat()
        let (_, code) = outcome("lstat") { lstat(path, &status) }
        if code == ENOENT || code == ENOTDIR { return false }
        guard code == 0 else { throw SystemError(call: "lstat", errno: code, subject: path) }
        return true
    }

    /// Reads until the buffer is full or the file ends. Returns the byte count read.
    package static func read(
        _ descriptor: CInt, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer, _ subject: String? = nil
    ) throws(SystemError) -> Int {
        var done = 0
        while done < buffer.count {
            let position = try fileOffset(offset, plus: done, subject)
            let count = try check("pread", subject) {
                pread(descriptor, buffer.baseAddress! + done, length("pread", buffer.count - done), position)
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Writes all bytes at an offset.
    package static func write(
        _ descriptor: CInt, at offset: UInt64, _ bytes: UnsafeRawBufferPointer, _ subject: String? = nil
    ) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            let position = try fileOffset(offset, plus: done, subject)
            done += try check("pwrite", subject) {
                pwrite(descriptor, bytes.baseAddress! + done, length("pwrite", bytes.count - done), position)
            }
        }
    }

    /// Writes all bytes at the end of a file that was opened for appending.
    package static func append(
        _ descriptor: CInt, _ bytes: [UInt8], _ subject: String? = nil
    ) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            done += try check("write", subject) {
                bytes.withUnsafeBytes { bytes in
                    Glibc.write(descriptor, bytes.baseAddress! + done, length("write", bytes.count - done))
                }
            }
        }
    }

    @inline(__always)
    static func fileOffset(_ offset: UInt64, plus done: Int, _ subject: String?) throws(SystemError) -> off_t {
        guard let base = off_t(exactly: offset), case (let sum, let overflow) = base.addingReportingOverflow(done),
            !overflow
        else { throw SystemError(call: "offset", errno: EOVERFLOW, subject: subject) }
        return sum
    }
}
