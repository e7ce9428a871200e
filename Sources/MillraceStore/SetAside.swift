import MillraceIO

/// What is in the place of a file of ours and may be somebody's own: it keeps its bytes under another name.
enum SetAside {
    private static let largestNumber = 1000

    /// Adds `.unreadable` to the name, and a number where an earlier one has that.
    static func keep(_ path: String) throws(SystemError) {
        var number = 1
        while true {
            let target = path + ".unreadable" + (number == 1 ? "" : ".\(number)")
            do throws(SystemError) {
                return try System.renameWithoutReplacing(path, to: target)
            } catch {
                guard error.isTaken, number < largestNumber else { throw error }
            }
            number += 1
        }
    }
}
