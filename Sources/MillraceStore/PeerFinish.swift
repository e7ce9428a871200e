import MillraceIO
import MillraceWire

extension PeerFolder {
    /// Hashes what an earlier run left of the finished file beside its chunk files, so that `finish` need not; in as
    /// many threads as call it. Ends when all has been, or `goesOn` returns false. Does nothing where there are no
    /// chunk files.
    ///
    /// - Parameter expected: the digest of a chunk; nil while it is not known, which leaves the chunk to `finish`.
    public func checkPlaces(expected: (ChunkID) -> Digest?, goesOn: () -> Bool) throws(StoreError) {
        try (store as? AssemblingStore)?.checkPlaces(expected: expected, goesOn: goesOn)
    }

    /// Makes the finished file from chunks that are all there, and gives it its name once it is whole and on disk.
    /// `progress` is told the bytes done so far. Throws `notVerified` when a chunk on disk does not match its digest.
    public func finish(manifest: Manifest, progress: (UInt64) -> Void) throws(StoreError) {
        precondition(manifest.layout == store.layout && manifest.hasAllDigests, "finished with another manifest")
        guard !isAlreadyComplete else { return try summarise(manifest) }
        if let assembling = store as? AssemblingStore {
            try assembling.checkPlaces(expected: { manifest.digest(of: $0) }, goesOn: { true })
            try assembling.placeRest(manifest, progress)
        }
        guard let growing else { preconditionFailure("a store without a growing file") }
        try settle(growing.descriptor)
        progress(store.layout.fileByteCount)
        // In this order, and on disk: a run that ends in between, by a power cut even, leaves a summary that knows the
        // file under its name. Without one the file would be taken for somebody else's ever after.
        try summarise(manifest)
        try publish(growing)
    }

    /// The growing file, which keeps its descriptor once it is finished; nil where only chunk files are open.
    var growing: FlatFileStore? { (store as? AssemblingStore)?.output ?? store as? FlatFileStore }

    private func settle(_ descriptor: CInt) throws(StoreError) {
        try storing(at: partPath) { () throws(SystemError) in
            if try System.status(of: descriptor, partPath).byteCount != store.layout.fileByteCount {
                throw SystemError.damaged("length check", partPath)
            }
            try System.synchronise(descriptor, partPath)
        }
    }

    private func publish(_ growing: FlatFileStore) throws(StoreError) {
        // What is renamed is whatever has the name, be it this file or not.
        guard try growing.hasItsName else { throw .partReplaced(partPath) }
        do throws(SystemError) {
            try System.renameWithoutReplacing(partPath, to: outputPath)
            try System.synchroniseFolder(Path.folder(of: outputPath))
        } catch {
            throw error.isTaken ? .outputExists(outputPath) : .system(error)
        }
    }

    private func summarise(_ manifest: Manifest) throws(StoreError) {
        try summary.compact(
            ChunkSet.all(of: manifest.layout.chunkCount), contentID: manifest.contentID, survives: true)
    }
}
