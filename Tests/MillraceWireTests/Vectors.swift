import Foundation
import MillraceWire
import Testing

/// The JSON files that Scripts/make-vectors.py writes, as PROTOCOL.md, section "Test vectors", describes them.
enum Vectors {
    static func load<Value: Decodable>(_ name: String, as _: Value.Type = Value.self) throws -> Value {
        let url = try #require(Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Vectors"))
        return try JSONDecoder().decode(Value.self, from: Data(contentsOf: url))
    }
}

/// A run of bytes written as hexadecimal digits.
struct Hex: Decodable, Equatable {
    let bytes: [UInt8]

    init(_ text: String) throws {
        let digits = Array(text)
        try #require(digits.count.isMultiple(of: 2))
        bytes = try stride(from: 0, to: digits.count, by: 2).map { index in
            try #require(UInt8(String(digits[index...(index + 1)]), radix: 16))
        }
    }

    init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    /// Big-endian number of the bytes in the range.
    func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }

    var token: NodeToken { NodeToken(high: number(0..<8), low: number(8..<16)) }

    /// The 20 bytes of a valid address.
    var address: PeerAddress {
        let host: PeerAddress.Host =
            switch bytes[0] {
            case 0: .none
            case 1: .ownersHost
            case 4: .v4(UInt32(number(4..<8)))
            default: .v6(high: number(4..<12), low: number(12..<20))
            }
        return PeerAddress(host: host, port: UInt16(number(2..<4)))
    }
}

extension [UInt8] {
    var hexText: String { map { String(format: "%02x", $0) }.joined() }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers from the same seed, on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}
