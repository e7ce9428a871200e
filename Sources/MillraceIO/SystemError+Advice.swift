import Glibc

extension SystemError {
    /// What a user can do something about, whatever call has reported it.
    public enum Advice: Sendable {
        case addressTaken, notPermitted, notOurAddress, hostUnknown
        case refused, noRoute, silent
        case noSuchPath, notAFolder, readOnly, outOfDescriptors
        case other
    }

    public var advice: Advice {
        switch errno {
        case EADDRINUSE: .addressTaken
        case EACCES, EPERM: .notPermitted
        case EADDRNOTAVAIL: call == "getaddrinfo" ? .hostUnknown : .notOurAddress
        case ECONNREFUSED: .refused
        case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN: .noRoute
        case ETIMEDOUT: .silent
        case ENOENT: .noSuchPath
        case ENOTDIR: .notAFolder
        case EROFS: .readOnly
        case EMFILE, ENFILE: .outOfDescriptors
        default: .other
        }
    }
}
