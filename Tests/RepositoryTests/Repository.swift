import Foundation
import Testing

/// The source tree this test was built from, as text.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardizedFileURL

    struct SourceFile: CustomTestStringConvertible {
        /// Relative to the root.
        let path: String
        let lines: [String]

        /// The folder under Sources: the target's name.
        var target: String { String(path.split(separator: "/")[1]) }
        var testDescription: String { path }
    }

    /// Paths of all files under a folder with one of the extensions; build folders and hidden ones are left out.
    static func paths(under folder: String, _ extensions: [String]) -> [String] {
        let base = folder.isEmpty ? root : root.appending(path: folder)
        guard let walker = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil) else { return [] }
        var paths: [String] = []
        for case let url as URL in walker {
            if url.lastPathComponent.hasPrefix(".") { walker.skipDescendants() }
            guard extensions.contains(url.pathExtension), !url.lastPathComponent.hasPrefix(".") else { continue }
            let path = url.standardizedFileURL.path.dropFirst(root.path.count)
            paths.append(String(path.trimmingPrefix("/")))
        }
        return paths.sorted()
    }

    static func text(_ path: String) -> String {
        (try? String(contentsOf: root.appending(path: path), encoding: .utf8)) ?? ""
    }

    static func files(under folder: String, _ extensions: [String] = ["swift"]) -> [SourceFile] {
        paths(under: folder, extensions).map { path in
            var lines = text(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            if lines.last == "" { lines.removeLast() }
            return SourceFile(path: path, lines: lines)
        }
    }

    static let sources = files(under: "Sources")
    static let manifest = text("Package.swift")

    /// Names of the targets that Package.swift declares, test targets among them.
    static var declaredTargets: Set<String> {
        let declaration = /\.(?:target|executableTarget|systemLibrary|testTarget)\(\s*name: "([^"]+)"/
        return Set(manifest.matches(of: declaration).map { String($0.1) })
    }
}

extension String {
    /// The line without what stands in a string or behind `//`.
    var code: Substring {
        guard contains("\"") || contains("//") else { return self[...] }
        let bare = replacing(/"(?:[^"\\]|\\.)*"/, with: "\"\"")
        return bare.firstRange(of: "//").map { bare[..<$0.lowerBound] } ?? bare[...]
    }
}
