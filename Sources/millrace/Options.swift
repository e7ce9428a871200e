import ArgumentParser
import MillraceHTTP
import MillraceNode

extension Endpoint: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension StoreKind: ExpressibleByArgument {}
extension LogOptions.Format: ExpressibleByArgument {}
extension ProgressMode: ExpressibleByArgument {}

extension Digest: ExpressibleByArgument {
    public init?(argument: String) { self.init(hex: argument) }
}

/// A number of bytes as people write it: `102400`, `100KB` (1,024 each), `1MiB`, `4k`.
struct ByteSize: ExpressibleByArgument {
    let byteCount: UInt64

    init(byteCount: UInt64) { self.byteCount = byteCount }

    init?(argument: String) {
        let text = argument.lowercased()
        let digits = text.prefix { $0.isNumber }
        var unit = String(text.dropFirst(digits.count))
        if unit.hasSuffix("b") { unit.removeLast() }
        if unit.hasSuffix("i") { unit.removeLast() }
        let shifts = ["": 0, "k": 10, "m": 20, "g": 30, "t": 40]
        guard let value = UInt64(digits), let shift = shifts[unit], value <= UInt64.max >> UInt64(shift) else {
            return nil
        }
        byteCount = value << UInt64(shift)
    }

    var defaultValueDescription: String { "\(byteCount)" }

    func checkAsChunkSize() throws {
        let sizes = UInt64(WireLimits.smallestChunkByteCount)...UInt64(WireLimits.largestChunkByteCount)
        guard sizes.contains(byteCount) else { throw ValidationError("--chunk-size takes 1KiB to 16MiB") }
    }
}

struct SharedOptions: ParsableArguments {
    @Option(help: "Folder for chunks and summary (default: owner-PORT or peer-PORT here).", completion: .directory)
    var dir: String?

    @Option(help: "How chunks are kept: chunks (a file each) or flat (one file; half the disk, half the time).")
    var store: StoreKind = .chunks

    @Option(help: "How bytes are sent: auto, uring, sendfile or copy.")
    var io: TransportName = .auto

    @Option(name: .customLong("rate-limit"), help: "Send at most so much a second: 12MB, 100MB/s, 1gbit, 8MiB.")
    var rateLimit: ByteRate?

    @Option(name: .customLong("rate-limit-down"), help: "Take at most so much a second.")
    var rateLimitDown: ByteRate?

    @Option(help: "Seconds without any progress after which the run ends; 0 waits for ever.")
    var timeout: Double = 300

    @Option(help: "Refuse any file but the one with this content ID (64 hexadecimal digits).")
    var content: Digest?

    @Option(help: "Also serve the file, a status page and metrics over HTTP: PORT (loopback only) or HOST:PORT.")
    var http: Endpoint?

    @Option(name: .customLong("http-name"), help: "Another host name that HTTP requests may use; may be repeated.")
    var httpNames: [String] = []

    @Option(name: .customLong("log-format"), help: "Events as text or json, one a line.")
    var logFormat: LogOptions.Format = .text

    @Option(
        name: .customLong("log-file"),
        help: "Events go to the end of this file and not to stdout; notices and the report go there too.",
        completion: .file())
    var logFile: String?

    @Option(
        help: "On stderr: auto (a bar on a terminal), bar, line (one every 5 seconds) or none.")
    var progress: ProgressMode = .auto

    @Flag(name: .short, help: "No events, errors only.")
    var quiet = false

    @Flag(name: .short, help: "Tell of every connection too.")
    var verbose = false

    func validate() throws {
        guard timeout >= 0, timeout.isFinite else { throw ValidationError("--timeout takes seconds, 0 or more") }
        // What a script makes of a variable that is not set.
        guard dir != "" else { throw ValidationError("--dir takes the path of a folder, not an empty one") }
        guard !(quiet && verbose) else { throw ValidationError("-q and -v exclude each other") }
    }

    /// Runs a node, with its HTTP side beside it if that was asked for.
    func withHTTP(_ node: any ObservableNode, _ run: () throws -> Void) throws {
        guard let http else { return try run() }
        let server = try HTTPServer(http, names: httpNames, node: node)
        try server.start()
        defer { server.stop() }
        try run()
    }

    func common(folder: String, lingerSeconds: Double) throws(NodeFailure) -> CommonOptions {
        var common = CommonOptions(folder: dir ?? folder)
        common.storeKind = store
        common.transport = io.kind
        common.sendBytesPerSecond = rateLimit?.bytesPerSecond
        common.receiveBytesPerSecond = rateLimitDown?.bytesPerSecond
        common.timeoutSeconds = timeout
        common.lingerSeconds = lingerSeconds
        common.contentID = content
        common.log.format = logFormat
        common.log.level = quiet ? .quiet : verbose ? .verbose : .normal
        common.log.progress = progress
        if let logFile { common.log.file = try LogFile(path: logFile) }
        return common
    }
}

enum TransportName: String, ExpressibleByArgument, CaseIterable {
    case auto, uring, sendfile, copy

    var kind: TransportKind? { TransportKind(rawValue: rawValue) }
}
