import MillraceIO

/// What went wrong with an address, in words that say what to do.
extension NodeFailure {
    /// The node could not listen where its user wanted it to.
    init(listeningOn endpoint: Endpoint, _ error: SystemError) {
        let text =
            switch error.advice {
            case .addressTaken:
                "port \(endpoint.port) is taken by another program (\(error)); end that one or choose another port"
            case .notPermitted: "port \(endpoint.port) is for the administrator (\(error)); choose one from 1024 on"
            case .hostUnknown:
                "\(endpoint.host ?? "this machine") is no known host; listen on a port alone, or give an address of"
                    + " this machine"
            case .notOurAddress:
                "\(endpoint.host ?? "it") is no address of this machine; listen on a port alone, or give one of its own"
            default: "can't listen on \(endpoint) (\(error)); choose another port"
            }
        self.init(.network, text)
    }

    /// Nobody answers where the owner should be. The peer tries again until its time-out is over.
    init(owner endpoint: Endpoint, _ error: SystemError) {
        let text =
            switch error.advice {
            case .refused: "no owner listens at \(endpoint) yet (\(error))"
            case .noRoute: "there is no way to \(endpoint) (\(error)); check the address, the cable and the network"
            case .silent:
                "\(endpoint) does not answer (\(error)); check that the machine is up and no firewall drops the port"
            default: "owner \(endpoint) does not answer (\(error))"
            }
        self.init(.network, text)
    }

    init(network error: SystemError) {
        self.init(.network, error.advice == .outOfDescriptors ? "\(error); raise the limit with ulimit -n" : "\(error)")
    }
}
