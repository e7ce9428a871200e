/// SHA-256 as FIPS 180-4 writes it down, slow and obvious: the content IDs of the vectors are checked with it.
func sha256(_ message: [UInt8]) -> [UInt8] {
    let primes = (2...311).filter { number in !(2..<number).contains { number.isMultiple(of: $0) } }
    func fraction(_ root: Double) -> UInt32 { UInt32((root - root.rounded(.down)) * 0x1p32) }
    // 64-bit floating point holds the 32 bits that are wanted of each root's fraction.
    let constants = primes.map { fraction(cubeRoot(Double($0))) }
    var hash = primes.prefix(8).map { fraction(Double($0).squareRoot()) }

    var padded = message + [0x80]
    while padded.count % 64 != 56 { padded.append(0) }
    for shift in stride(from: 56, through: 0, by: -8) {
        padded.append(UInt8(truncatingIfNeeded: (message.count * 8) >> shift))
    }
    for block in stride(from: 0, to: padded.count, by: 64) {
        var words = (0..<16).map { index in
            padded[(block + 4 * index)..<(block + 4 * index + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        for index in 16..<64 {
            let (early, late) = (words[index - 15], words[index - 2])
            words.append(
                words[index - 16] &+ (turn(early, 7) ^ turn(early, 18) ^ (early >> 3)) &+ words[index - 7]
                    &+ (turn(late, 17) ^ turn(late, 19) ^ (late >> 10)))
        }
        var state = hash
        for index in 0..<64 {
            let (first, fifth) = (state[0], state[4])
            let choice = (fifth & state[5]) ^ (~fifth & state[6])
            let majority = (first & state[1]) ^ (first & state[2]) ^ (state[1] & state[2])
            let added = state[7] &+ (turn(fifth, 6) ^ turn(fifth, 11) ^ turn(fifth, 25)) &+ choice &+ constants[index]
            let one = added &+ words[index]
            let two = (turn(first, 2) ^ turn(first, 13) ^ turn(first, 22)) &+ majority
            state = [one &+ two, first, state[1], state[2], state[3] &+ one, fifth, state[5], state[6]]
        }
        for index in 0..<8 { hash[index] &+= state[index] }
    }
    return hash.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } }
}

private func turn(_ word: UInt32, _ count: UInt32) -> UInt32 { word >> count | word << (32 - count) }

/// Newton's method, to the last bit that matters here.
private func cubeRoot(_ value: Double) -> Double {
    var root = value
    for _ in 0..<100 { root -= (root * root * root - value) / (3 * root * root) }
    return root
}
