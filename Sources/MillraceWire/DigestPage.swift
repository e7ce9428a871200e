/// Joins the digests of two neighbours into that of what is above them: the SHA-256 of the bytes of both.
public typealias DigestJoin = (_ first: Digest, _ second: Digest) -> Digest

/// What is known of one page: some or all nodes of the tree over the digests of its chunks (R. Merkle, "A Digital
/// Signature Based on a Conventional Encryption Function", 1987; PROTOCOL.md, M-12). All of it leads to the digest of
/// the page.
struct DigestPage: Sendable, Equatable {
    private let leafCount: Int
    /// Level by level from the leaves up; only those have a meaning whose bit is set.
    private var nodes: [Digest]
    private var known: UInt128 = 0

    /// Nothing is known yet.
    init(leafCount: Int) {
        self.leafCount = leafCount
        var climb = PageClimb(from: 0, leafCount: leafCount)
        while !climb.isAtRoot { climb.ascend() }
        precondition(climb.node < UInt128.bitWidth, "\(leafCount) chunks in a page")
        nodes = Array(repeating: Digest(0, 0, 0, 0), count: climb.node + 1)
    }

    /// The whole tree over these digests.
    init(leaves: [Digest], join: DigestJoin) {
        self.init(leafCount: leaves.count)
        for (index, leaf) in leaves.enumerated() { set(index, leaf) }
        var (start, width) = (0, leafCount)
        while width > 1 {
            for first in stride(from: 0, to: width, by: 2) {
                let (left, above) = (start + first, start + width + first / 2)
                set(above, first + 1 < width ? join(nodes[left], nodes[left + 1]) : nodes[left])
            }
            start += width
            width = (width + 1) >> 1
        }
    }

    var root: Digest? { node(nodes.count - 1) }

    func leaf(_ index: Int) -> Digest? { node(index) }

    /// The digest of a chunk and its siblings, the lowest first; nil where they are not known.
    func proof(of leaf: Int) -> [Digest]? {
        guard let digest = node(leaf) else { return nil }
        var proof: [Digest] = []
        proof.reserveCapacity(1 + WireLimits.largestPageHeight)
        proof.append(digest)
        var climb = PageClimb(from: leaf, leafCount: leafCount)
        while !climb.isAtRoot {
            if let sibling = climb.sibling {
                guard let digest = node(sibling) else { return nil }
                proof.append(digest)
            }
            climb.ascend()
        }
        return proof
    }

    /// Takes a proof that leads to `root`, or to a node that is known to do so. Returns false for any other, which
    /// changes nothing.
    mutating func learn(_ proof: [Digest], of leaf: Int, root: Digest, join: DigestJoin) -> Bool {
        guard var digest = proof.first else { return false }
        // Every second leaf is known as the sibling of another: there is nothing to learn.
        if let known = node(leaf) { return digest == known }
        var siblings = proof.dropFirst()
        var learnt: [(node: Int, digest: Digest)] = []
        learnt.reserveCapacity(2 * WireLimits.largestPageHeight)
        var climb = PageClimb(from: leaf, leafCount: leafCount)
        while node(climb.node) == nil, !climb.isAtRoot {
            learnt.append((climb.node, digest))
            if let place = climb.sibling {
                guard let sibling = siblings.popFirst() else { return false }
                learnt.append((place, sibling))
                digest = climb.isFirst ? join(digest, sibling) : join(sibling, digest)
            }
            climb.ascend()
        }
        guard digest == node(climb.node) ?? root else { return false }
        set(climb.node, digest)
        for (index, digest) in learnt { set(index, digest) }
        return true
    }

    private func node(_ index: Int) -> Digest? { known & (1 << UInt128(index)) != 0 ? nodes[index] : nil }

    private mutating func set(_ index: Int, _ digest: Digest) {
        nodes[index] = digest
        known |= 1 << UInt128(index)
    }
}
