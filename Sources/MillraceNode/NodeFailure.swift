import MillraceIO
import MillraceStore
import MillraceWire

/// How a run of a node ends, as the number its process leaves with.
public enum ExitCode: Int32, Sendable, CaseIterable {
    case done = 0
    case protocolFault = 2
    case network = 3
    case sourcesLost = 4
    case noProgress = 5
    case integrity = 6
    case interrupted = 7
    case fileFault = 8
    case noSpace = 9
    case authentication = 10
    case outputExists = 11
    case usage = 64
}

/// Why a node could not do its work: one line that says what to do, and the exit code.
public struct NodeFailure: Error, Sendable, Equatable, CustomStringConvertible {
    public let code: ExitCode
    public let text: String

    public init(_ code: ExitCode, _ text: String) {
        self.code = code
        self.text = text
    }

    public var description: String { text }

    /// The same of what calls of files and folders throw; nil for errors of other kinds.
    public init?(thrown error: any Error) {
        switch error {
        case let failure as NodeFailure: self = failure
        case let error as StoreError: self.init(error)
        case let fault as SystemError where fault.isNoSpace:
            self.init(.noSpace, "\(fault); free some or choose another place")
        case let fault as SystemError: self.init(.system(fault))
        default: return nil
        }
    }

    init(_ error: StoreError) {
        let code: ExitCode
        switch error {
        case .system(let fault): code = fault.isNoSpace ? .noSpace : .fileFault
        case .noSpace: code = .noSpace
        case .outputExists, .outputChanged, .foreignPart: code = .outputExists
        case .notVerified: code = .integrity
        case .foreignFolder, .badName, .badSourceName, .tooManyChunks, .sourceChanged, .sourceNotAFile, .sourceReplaced,
            .outputInUse, .partReplaced:
            code = .fileFault
        }
        self.init(code, NodeFailure.text(of: error))
    }

    private static func text(of error: StoreError) -> String {
        guard case .system(let fault) = error else { return "\(error)" }
        return switch fault.advice {
        case .noSuchPath: "\(fault); check the path"
        case .notAFolder: "\(fault); a part of the path is a file"
        case .notPermitted: "\(fault); check who may use it"
        case .readOnly: "\(fault); choose another place with --dir or --output"
        case .outOfDescriptors: "\(fault); raise the limit with ulimit -n"
        default: "\(fault)"
        }
    }
}
