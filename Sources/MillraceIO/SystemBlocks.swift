import CLiburing
import Glibc

/// Calls about the blocks of open files: lengths, holes, sharing, what is on disk.
extension System {
    /// Sets the file's length; a longer file gets a hole at its end.
    package static func setLength(
        _ descriptor: CInt, byteCount: UInt64, _ subject: String? = nil
    ) throws(SystemError) {
        let length = try fileOffset(byteCount, plus: 0, subject)
        try check("ftruncate", subject) { ftruncate(descriptor, length) }
    }

    /// Reserves blocks up to `byteCount` and makes the file that long. Where the file system can't reserve, the file
    /// is only made long: glibc's emulation would write every block, and tmpfs clears every page at once, which
    /// kept five peers of 500 MB waiting for half a second.
    package static func preallocate(
        _ descriptor: CInt, byteCount: UInt64, _ subject: String? = nil
    ) throws(SystemError) {
        guard byteCount > 0 else { return }
        guard !isInMemory(descriptor) else { return try setLength(descriptor, byteCount: byteCount, subject) }
        let length = try fileOffset(byteCount, plus: 0, subject)
        let (_, code) = outcome("fallocate") { fallocate(descriptor, 0, 0, length) }
        switch code {
        case 0: return
        case EOPNOTSUPP, ENOSYS, EINVAL, EPERM: try setLength(descriptor, byteCount: byteCount, subject)
        default: throw SystemError(call: "fallocate", errno: code, subject: subject)
        }
    }

    private static func isInMemory(_ descriptor: CInt) -> Bool {
        var status = statfs()
        let tmpfs = 0x0102_1994
        return outcome("fstatfs") { fstatfs(descriptor, &status) }.1 == 0 && Int(status.f_type) == tmpfs
    }

    /// Brings a file to the disk. What could not be written is taken for clean by the kernel from then on (fsync(2)),
    /// so it is dropped from memory: whoever reads it next gets what the disk has.
    package static func synchronise(_ descriptor: CInt, _ subject: String? = nil) throws(SystemError) {
        do throws(SystemError) {
            try check("fsync", subject) { fsync(descriptor) }
        } catch {
            forget(descriptor)
            throw error
        }
    }

    /// Takes an exclusive lock that ends with the descriptor. Returns false when another process has it.
    package static func lock(_ descriptor: CInt, _ subject: String? = nil) throws(SystemError) -> Bool {
        try attempt("flock", subject) { flock(descriptor, LOCK_EX | LOCK_NB) } != nil
    }

    /// The same, but where the file system knows no locks nobody else can have one.
    package static func lockWherePossible(_ descriptor: CInt, _ subject: String? = nil) throws(SystemError) -> Bool {
        do throws(SystemError) {
            return try lock(descriptor, subject)
        } catch {
            guard [ENOLCK, ENOSYS, EOPNOTSUPP].contains(error.errno) else { throw error }
            return true
        }
    }

    /// The parts of a file that hold data, by SEEK_DATA; all of it where the file system can't tell.
    package static func dataRegions(
        _ descriptor: CInt, byteCount: UInt64, _ subject: String? = nil
    ) throws(SystemError) -> [Range<UInt64>] {
        guard byteCount > 0 else { return [] }
        var regions: [Range<UInt64>] = []
        var position: UInt64 = 0
        while position < byteCount {
            let from = try fileOffset(position, plus: 0, subject)
            let (start, code) = outcome("lseek") { lseek(descriptor, from, CInt(millrace_SEEK_DATA)) }
            if code == ENXIO { break }
            if code == EINVAL || code == EOPNOTSUPP { return [0..<byteCount] }
            guard code == 0 else { throw SystemError(call: "lseek", errno: code, subject: subject) }
            let end = try check("lseek", subject) { lseek(descriptor, start, CInt(millrace_SEEK_HOLE)) }
            guard start >= from, end > start else { break }
            let upper = min(UInt64(end), byteCount)
            if UInt64(start) < upper { regions.append(UInt64(start)..<upper) }
            position = UInt64(end)
        }
        return regions
    }

    /// Shares the blocks of a range with another file. Returns false where the file system or the range can't.
    package static func cloneRange(
        from source: CInt, at offset: UInt64, byteCount: UInt64, to target: CInt
    ) -> Bool {
        var range = file_clone_range(
            src_fd: Int64(source), src_offset: offset, src_length: byteCount, dest_offset: 0)
        return outcome("ioctl") { millrace_clone_range(target, &range) }.1 == 0
    }
}
