import MillraceWire

extension PeerPolicy {
    /// The owner has given this peer its number.
    ///
    /// - Parameter roundTripNanoseconds: to the owner, as short as it was seen; nil if nobody knows.
    public mutating func welcomed(as peer: PeerIndex, roundTripNanoseconds: UInt64? = nil) {
        note(roundTripNanoseconds: roundTripNanoseconds)
        selfIndex = peer
        creditsOutstanding = 0
        ownerDigestCount = 0
        unreachable = []
    }

    /// The ring changed: connects to new sources, forgets those that left, and leaves those that the ring now gives to
    /// others as soon as they have answered: a ring on which everybody serves as many as it asks has no bottleneck.
    public mutating func rosterChanged(_ ring: Ring, at now: UInt64, into actions: inout [PeerAction]) {
        self.ring = ring
        unreachable.removeAll { ring.position(of: $0) == nil }
        sizeWindows()
        reviseSources(at: now, into: &actions)
    }

    /// Connects to the sources that this peer should have and has not, and leaves those it should not have.
    mutating func reviseSources(at now: UInt64, into actions: inout [PeerAction]) {
        mustReviseSources = false
        let wanted = wantedSources
        // A peer that has come back gets its place a moment after the roster, and its sources are the same, mostly.
        let hasPlace = selfIndex.map { ring.position(of: $0) != nil } ?? false
        for peer in wanted where !isSource(peer) { actions.append(.connect(peer)) }
        var gone: [PeerIndex] = []
        for index in neighbours.indices where neighbours[index].isSource {
            let peer = neighbours[index].peer
            if hasPlace { neighbours[index].isRetired = !wanted.contains(peer) }
            if ring.position(of: peer) == nil { gone.append(peer) }
        }
        for peer in gone { drop(peer, at: now, into: &actions) }
        dropRetired(at: now, into: &actions)
    }

    /// Leaves retired sources that have answered everything.
    mutating func dropRetired(at now: UInt64, into actions: inout [PeerAction]) {
        while let index = neighbours.indices.first(where: { neighbours[$0].isIdleRetired }) {
            drop(neighbours[index].peer, at: now, into: &actions)
        }
    }

    private mutating func drop(_ peer: PeerIndex, at now: UInt64, into actions: inout [PeerAction]) {
        leave(peer, at: now, into: &actions)
        unreachable.removeAll { $0 == peer }
    }

    /// Closes the connection to a source that is none any more.
    mutating func leave(_ peer: PeerIndex, at now: UInt64, into actions: inout [PeerAction]) {
        actions.append(.disconnect(peer))
        sourceLost(peer, at: now, into: &actions)
    }

    /// The members this peer should fetch from, the download neighbour first.
    public var wantedSources: [PeerIndex] {
        guard let selfIndex else { return [] }
        var lacking = hasOwner ? [] : unreachable
        for neighbour in neighbours.all where neighbour.isLacking { lacking.append(neighbour.peer) }
        var wanted = ring.sources(of: selfIndex, standingInFor: lacking)
        if ringOnly { wanted = Array(wanted.prefix(1)) }
        if let given = givenNeighbour, ring.position(of: given) != nil, given != selfIndex, !wanted.contains(given) {
            wanted.insert(given, at: 0)
            if ringOnly { wanted = [given] }
        }
        for peer in extraSources.all where !wanted.contains(peer) && ring.position(of: peer) != nil {
            wanted.append(peer)
        }
        for ask in asked where !wanted.contains(ask.peer) && ask.peer != selfIndex { wanted.append(ask.peer) }
        return wanted.filter(mayBeSource)
    }

    /// It has neither sent what is wrong nor refused all it was asked for.
    func mayBeSource(_ peer: PeerIndex) -> Bool { !banned.contains(peer) && !refusing.contains(peer) }

    /// A connection to fetch from this peer is open.
    ///
    /// - Parameter roundTripNanoseconds: to that peer, as short as it was seen; nil if nobody knows.
    public mutating func sourceConnected(
        _ peer: PeerIndex, isGivenNeighbour: Bool = false, roundTripNanoseconds: UInt64? = nil, at now: UInt64,
        into actions: inout [PeerAction]
    ) {
        note(roundTripNanoseconds: roundTripNanoseconds)
        if isGivenNeighbour { givenNeighbour = peer }
        // The ring may have changed while the connection was made: who keeps a source too many is served at the cost of
        // those who have only what the ring gives them.
        guard wantedSources.contains(peer) else {
            actions.append(.disconnect(peer))
            return
        }
        let index = neighbours.indexAdding(peer)
        guard neighbours.makeSource(index) else {
            actions.append(.disconnect(peer))
            return
        }
        neighbours[index].isRetired = false
        compareAnew()
        extraSources.connected(peer, usualNanoseconds: serviceNanoseconds, heldCount: have.count, now: now)
        unreachable.removeAll { $0 == peer }
        sizeWindows()
        requestAsked(from: index, at: now, into: &actions)
        fill(at: now, into: &actions)
    }

    /// The connection is gone: what was asked there is asked elsewhere.
    public mutating func sourceLost(_ peer: PeerIndex, at now: UInt64, into actions: inout [PeerAction]) {
        guard let index = neighbours.index(of: peer), neighbours[index].isSource else { return }
        let requests = neighbours[index].outstanding
        neighbours[index].outstanding = []
        neighbours[index].isSource = false
        neighbours[index].isSilent = false
        neighbours[index].isWeak = false
        for request in requests where !request.isSuperseded {
            if request.keepsSlot { outstandingCount -= 1 }
            release(request.chunk)
        }
        neighbours[index].refusalCount = 0
        extraSources.forget(peer)
        if !neighbours[index].isClient { neighbours.remove(index) }
        cannotReach(peer)
        sizeWindows()
        fill(at: now, into: &actions)
    }

    /// Without an owner nobody takes a member that is gone off the ring: others stand in for it.
    mutating func cannotReach(_ peer: PeerIndex) {
        guard !unreachable.contains(peer), ring.position(of: peer) != nil else { return }
        unreachable.append(peer)
        if !hasOwner { mustReviseSources = true }
    }

    /// A peer has connected to fetch from this one.
    public mutating func clientConnected(_ peer: PeerIndex) {
        neighbours[neighbours.indexAdding(peer)].isClient = true
    }

    public mutating func clientLost(_ peer: PeerIndex) {
        guard let index = neighbours.index(of: peer) else { return }
        neighbours[index].isClient = false
        if !neighbours[index].isSource { neighbours.remove(index) }
    }

    /// A neighbour says that it holds these chunks too.
    public mutating func holds(
        _ peer: PeerIndex, _ run: Range<ChunkID>, at now: UInt64, into actions: inout [PeerAction]
    ) {
        // Who else holds what is here already is of no interest any more; half of all announcements are of that kind.
        let first = have.firstMissing(from: run.lowerBound)
        guard first < run.upperBound, let index = neighbours.index(of: peer) else { return }
        for chunk in first..<run.upperBound where !have.contains(chunk) {
            neighbours.adds(index, chunk, isWanted: !pending.contains(chunk))
        }
        frontier = max(frontier, run.upperBound)
        heard(index, at: now)
        if !asked.isEmpty { requestAsked(from: index, at: now, into: &actions) }
        if outstandingCount < requestWindow { fill(at: now, into: &actions) }
    }

    /// Whether the neighbour is told of additions on the connection by which it fetches from this peer, so that the
    /// other connection need not carry them again.
    public func isClient(_ peer: PeerIndex) -> Bool {
        neighbours.index(of: peer).map { neighbours[$0].isClient } ?? false
    }

    public func isSource(_ peer: PeerIndex) -> Bool {
        neighbours.index(of: peer).map { neighbours[$0].isSource } ?? false
    }

    /// A neighbour says something. One that was silent needs nobody in its place any more.
    mutating func heard(_ index: Int, at now: UInt64) {
        neighbours[index].heardAt = now
        guard neighbours[index].isSilent else { return }
        neighbours[index].isSilent = false
        mustReviseSources = true
    }

    /// Requests what the owner said this source has or will have.
    private mutating func requestAsked(from index: Int, at now: UInt64, into actions: inout [PeerAction]) {
        guard neighbours[index].isSource, !asked.isEmpty else { return }
        let peer = neighbours[index].peer
        for ask in asked where ask.peer == peer && neighbours.holds(index, ask.chunk) {
            guard !have.contains(ask.chunk) else { continue }
            guard !neighbours[index].isAsked(ask.chunk), mayAskAnother(ask.chunk) else { continue }
            request(ask.chunk, from: index, afterVain: vainCount(of: ask.chunk), at: now, into: &actions)
        }
        let neighbours = neighbours
        forgetAsked { $0.peer == peer && neighbours.holds(index, $0.chunk) }
    }
}
