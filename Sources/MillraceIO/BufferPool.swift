import Glibc
import Synchronization

/// Page-aligned memory with one owner. Freed with its owner unless it is given back to its pool.
public struct PooledBuffer: ~Copyable, @unchecked Sendable {
    public let bytes: UnsafeMutableRawBufferPointer

    /// Memory of its own, outside any pool.
    public init(byteCount: Int) {
        var memory: UnsafeMutableRawPointer?
        let code = posix_memalign(&memory, 4096, max(1, byteCount))
        guard code == 0, let memory else { preconditionFailure("no memory for a buffer of \(byteCount) bytes") }
        bytes = UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
    }

    init(taking bytes: UnsafeMutableRawBufferPointer) { self.bytes = bytes }

    deinit { free(bytes.baseAddress) }

    consuming func relinquish() -> UnsafeMutableRawBufferPointer {
        let bytes = bytes
        discard self
        return bytes
    }
}

/// Buffers of one size, the last given back first taken, so that it is still in the cache. Callable from any thread.
public final class BufferPool: Sendable {
    private struct Free: @unchecked Sendable { var buffers: [UnsafeMutableRawBufferPointer] = [] }

    public let byteCount: Int
    private let keep: Int
    private let free = Lock(Free())

    /// Buffers of `byteCount` bytes; `keep` of them wait at most, others are freed.
    public init(byteCount: Int, keep: Int) {
        self.byteCount = byteCount
        self.keep = keep
    }

    deinit {
        free.withLock { free in
            for bytes in free.buffers { _ = PooledBuffer(taking: bytes) }
        }
    }

    /// A buffer with arbitrary contents.
    public func take() -> PooledBuffer {
        let bytes = free.withLock { $0.buffers.popLast() }
        return bytes.map { PooledBuffer(taking: $0) } ?? PooledBuffer(byteCount: byteCount)
    }

    public func give(_ buffer: consuming PooledBuffer) {
        precondition(buffer.bytes.count == byteCount, "a buffer of another pool")
        let bytes = buffer.relinquish()
        let isKept = free.withLock { free in
            guard free.buffers.count < keep else { return false }
            free.buffers.append(bytes)
            return true
        }
        if !isKept { _ = PooledBuffer(taking: bytes) }
    }
}
