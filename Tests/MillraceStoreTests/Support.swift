import Foundation
import MillraceIO
import MillraceWire
import Testing

@testable import MillraceStore

/// A folder that goes away with the last reference to it.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        path = FileManager.default.temporaryDirectory.path + "/millrace-store-\(UUID().uuidString)"
        try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = path + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }
}

func contents(_ path: String) -> [UInt8]? {
    FileManager.default.contents(atPath: path).map { [UInt8]($0) }
}

func names(_ path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
}

/// A small file in chunks, and all that nodes know of it.
struct Sample {
    let layout: ChunkLayout
    let bytes: [UInt8]
    let manifest: Manifest

    init(byteCount: Int, chunkByteCount: UInt32 = 4096) throws {
        layout = try ChunkLayout(fileByteCount: UInt64(byteCount), chunkByteCount: chunkByteCount)
        bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        var manifest = Manifest(layout: layout)
        var hasher = SHA256Hasher()
        for chunk in 0..<layout.chunkCount {
            Sample.slice(bytes, layout, chunk).withUnsafeBytes { hasher.update($0) }
            manifest.append(chunks: [try Sample.digest(hasher.finish())]) { hasher.join($0, $1) }
        }
        manifest.close(contentID: try Sample.digest(hasher.finish()))
        self.manifest = manifest
    }

    func chunk(_ chunk: ChunkID) -> [UInt8] { Array(Sample.slice(bytes, layout, chunk)) }

    func write(_ chunks: Range<ChunkID>, to store: any ChunkStore) throws {
        for id in chunks { try chunk(id).withUnsafeBytes { try store.write(id, $0) } }
    }

    private static func digest(_ bytes: [UInt8]) throws -> Digest {
        let digest = Digest(bytes.span.bytes)
        return try #require(digest)
    }

    private static func slice(_ bytes: [UInt8], _ layout: ChunkLayout, _ chunk: ChunkID) -> ArraySlice<UInt8> {
        bytes[Int(layout.offset(of: chunk))...].prefix(Int(layout.byteCount(of: chunk)))
    }
}

extension ChunkStore {
    func bytes(of chunk: ChunkID) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(layout.chunkByteCount))
        let count = try bytes.withUnsafeMutableBytes { try read(chunk, into: $0) }
        return Array(bytes.prefix(count))
    }

    /// What a transport would send.
    func payloadBytes(of chunk: ChunkID) throws -> [UInt8] {
        let payload = payload(of: chunk)
        let handle: FileHandle
        switch payload.place {
        case .path(let path): handle = try #require(FileHandle(forReadingAtPath: path))
        case .descriptor(let descriptor): handle = FileHandle(fileDescriptor: dup(descriptor), closeOnDealloc: true)
        }
        try handle.seek(toOffset: payload.offset)
        return [UInt8](try handle.read(upToCount: payload.byteCount) ?? Data())
    }
}
