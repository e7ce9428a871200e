import MillraceWire

/// How one peer fared.
public struct PeerReport: Sendable {
    public internal(set) var peer = 0
    /// Nanoseconds since the start of the run.
    public internal(set) var joinedAt: UInt64 = 0
    /// Nil if it did not end.
    public internal(set) var finishedAt: UInt64?
    /// Its time over the least its link and the owner's allow; nil if it did not end.
    public internal(set) var timeOverBound: Double?
    public internal(set) var chunksFromOwner = 0
    public internal(set) var chunksFromPeers = 0
    public internal(set) var chunksTwice = 0
    public internal(set) var chunksBad = 0
    public internal(set) var chunksSent = 0
    /// It is at full speed, was not killed, frozen or evicted: those the bounds hold for.
    public internal(set) var isHealthy = true
    public internal(set) var mustEnd = true
}

/// What came of a simulated run.
public struct SimReport: Sendable {
    /// What was run: of a faulty run, what was drawn.
    public let options: SimOptions
    /// The command that runs this again.
    public let command: String
    public let peers: [PeerReport]
    /// When the last peer that had to end did, in nanoseconds of simulated time.
    public let endedAt: UInt64
    /// Bytes that left the owner over the size of the file.
    public let ownerEgress: Double
    public let rescueCount: Int
    public let eventCount: Int
    /// The same for two runs exactly if they are the same event for event.
    public let traceHash: UInt64
    /// Rules that were broken, the first few of them.
    public let violations: [String]
    let layout: ChunkLayout
    let arrivals: [[Arrival]]
    let faults: [FaultMark]

    /// Peers that had to end and did not.
    public var stuckPeers: [Int] { peers.filter { $0.mustEnd && $0.finishedAt == nil }.map(\.peer) }
    public var isStuck: Bool { !stuckPeers.isEmpty }
    public var isGood: Bool { !isStuck && violations.isEmpty }

    /// The worst time over its bound of all healthy peers.
    public var worstTimeOverBound: Double { healthy.max() ?? 0 }
    public var meanTimeOverBound: Double { healthy.isEmpty ? 0 : healthy.reduce(0, +) / Double(healthy.count) }
    /// The same for peers on slower links, each against its own bound.
    public var worstSlowTimeOverBound: Double {
        peers.filter { !$0.isHealthy && $0.mustEnd }.compactMap(\.timeOverBound).max() ?? 0
    }
    public var chunksTwice: Int { peers.reduce(0) { $0 + $1.chunksTwice } }

    private var healthy: [Double] { peers.filter(\.isHealthy).compactMap(\.timeOverBound) }

    /// One line for a person.
    public var summary: String {
        let name = "\(options.scenario.rawValue) N=\(peers.count) M=\(layout.chunkCount) seed=\(options.seed)"
        let time = "time/bound max \(decimal(worstTimeOverBound)) mean \(decimal(meanTimeOverBound))"
        let rest = "owner egress \(decimal(ownerEgress)), rescues \(rescueCount), twice \(chunksTwice)"
        let end = isStuck ? " STUCK: \(stuckPeers.count) peers" : ""
        return "\(name): \(time), \(rest), trace \(hexadecimal(traceHash))\(end)"
    }
}

/// A fault to mark in a plot.
struct FaultMark: Sendable {
    let at: UInt64
    let node: Int
    let text: String
}

/// A number with three places after the point.
func decimal(_ value: Double, places: Int = 3) -> String {
    guard value.isFinite, value.magnitude < 1e12 else { return "\(value)" }
    var unit: Int64 = 1
    for _ in 0..<places { unit *= 10 }
    let scaled = Int64((value.magnitude * Double(unit)).rounded())
    let sign = value < 0 ? "-" : ""
    guard places > 0 else { return "\(sign)\(scaled)" }
    let fraction = String(scaled % unit)
    return "\(sign)\(scaled / unit).\(String(repeating: "0", count: places - fraction.count))\(fraction)"
}

func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

/// Milliseconds with three places, from nanoseconds.
func milliseconds(_ nanoseconds: UInt64) -> String { decimal(Double(nanoseconds) / 1e6) }
