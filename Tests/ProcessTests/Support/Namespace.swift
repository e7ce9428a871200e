import Testing

/// A network namespace with nothing but a loopback interface.
enum Namespace {
    static let isAllowed = (try? run("true", in: Ground())) != nil

    /// What a shell script there says, with the command as `$M`; throws when it can't be run, or takes too long.
    static func run(_ script: String, in ground: Ground) throws -> String {
        let (code, text) = try Tool.run(
            ["timeout", "60", "unshare", "--net", "sh", "-c", "\(script)\n"], in: ground.path,
            environment: ["M": try Child.executablePath()])
        try #require(code == 0, "\(text)")
        return text
    }
}
