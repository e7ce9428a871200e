import Glibc

extension System {
    /// Tells the system that a part of a file will be read soon, so that it reads ahead (posix_fadvise). Only advice:
    /// a failure changes nothing. No bytes at all mean all up to the end.
    package static func willRead(_ descriptor: CInt, at offset: UInt64, byteCount: UInt64) {
        guard let start = off_t(exactly: offset), let length = off_t(exactly: byteCount) else { return }
        _ = outcome("posix_fadvise") { posix_fadvise(descriptor, start, length, CInt(POSIX_FADV_WILLNEED)) }
    }

    /// Tells the system to drop what it has of a file in memory and on disk alike (posix_fadvise).
    static func forget(_ descriptor: CInt) {
        _ = outcome("posix_fadvise") { posix_fadvise(descriptor, 0, 0, CInt(POSIX_FADV_DONTNEED)) }
    }
}

/// The name of this machine (gethostname(2)); empty where it has none.
package enum Machine {
    package static var name: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            buffer.initialize(repeating: 0)
            guard let base = buffer.baseAddress, gethostname(base, 255) == 0 else { return "" }
            return String(cString: base)
        }
    }
}
