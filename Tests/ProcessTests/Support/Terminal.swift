import Foundation
import Testing

/// A terminal of a tmux server of its own, with a shell that runs the command. It goes away with the last reference.
final class Terminal: Sendable {
    private let server = "millrace-\(UUID().uuidString.prefix(8))"

    static let isThere: Bool = (try? run(["tmux", "-V"])) != nil

    init(columns: Int, rows: Int, in ground: Ground, environment: [String] = []) throws {
        let shell = ["env", "-u", "NO_COLOR", "PS1=", "LC_ALL=C.UTF-8"] + environment + ["sh"]
        try tmux(
            ["-f", "/dev/null", "start-server", ";", "set-option", "-g", "history-limit", "20000", ";"]
                + ["new-session", "-d", "-x", "\(columns)", "-y", "\(rows)", "-c", ground.path]
                + [shell.joined(separator: " ")])
    }

    /// The server ends with its last session. `kill-server` would send it SIGTERM, which it has inherited as blocked.
    deinit { _ = try? tmux(["kill-session"]) }

    /// Runs the command in the shell, whose echo is wiped before.
    func type(_ words: String) throws {
        let command = "stty -echo; clear; \(try Child.executablePath()) \(words); echo left with $?"
        try tmux(["send-keys", "-l", command])
        try tmux(["send-keys", "Enter"])
    }

    func resize(columns: Int, rows: Int) throws {
        try tmux(["resize-window", "-x", "\(columns)", "-y", "\(rows)"])
    }

    /// What is on the screen, without empty lines at its end.
    func lines() throws -> [String] { try captured([]) }

    func colouredLines() throws -> [String] { try captured(["-e"]) }

    /// All that was ever on the screen and has not been wiped.
    func history() throws -> [String] { try captured(["-S", "-"]) }

    private func captured(_ options: [String]) throws -> [String] {
        var lines = try tmux(["capture-pane", "-p"] + options).components(separatedBy: "\n")
        while let last = lines.last, last.allSatisfy(\.isWhitespace) { lines.removeLast() }
        return lines
    }

    @discardableResult
    private func tmux(_ words: [String]) throws -> String { try Terminal.run(["tmux", "-L", server] + words) }

    /// Foundation takes a process for running while anybody has the descriptor it was started with: the server of tmux,
    /// which stays, must not get it.
    private static let closingDescriptors = """
        for path in /proc/$$/fd/*; do number=${path##*/}; [ $number -le 2 ] || eval "exec $number>&-"; done; exec "$@"
        """

    private static func run(_ words: [String]) throws -> String {
        let (code, text) = try Tool.run(["bash", "-c", closingDescriptors, "bash"] + words, keepsErrors: false)
        try #require(code == 0, "\(words)")
        return text
    }
}
