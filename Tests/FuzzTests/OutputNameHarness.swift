@testable import MillraceIO
@testable import MillraceStore

/// A name from the network: one that is taken is a file in the folder it is put into, whatever it says, and is told in
/// one line that can be read back.
enum OutputNameHarness {
    static func run(_ bytes: [UInt8]) -> Bool {
        let name = String(decoding: bytes, as: UTF8.self)
        let escaped = EscapedName.escape(name)
        hold(EscapedName.unescape(escaped[...]) == name)
        hold(!escaped.utf8.contains { $0 < 32 || $0 == 127 })
        guard let taken = try? OutputName.check(name) else { return true }
        hold(taken == name && !taken.isEmpty && taken.utf8.count <= 255)
        hold(!taken.utf8.contains { $0 < 32 || $0 == 127 || $0 == UInt8(ascii: "/") })
        hold(taken != "." && taken != "..")
        let path = "/folder/" + taken
        hold(Path.folder(of: path) == "/folder" && Path.name(of: path) == taken)
        return true
    }
}
