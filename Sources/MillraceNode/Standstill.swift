/// The whole process stood still, as after Ctrl-Z: a wait ended long after its deadline. The clock ran on, but nothing
/// could happen in that time, so it counts towards no time-out.
enum Standstill {
    static func was(now: UInt64, afterWaitUntil deadline: UInt64) -> Bool {
        now > deadline.adding(NodeLimits.standstillNanoseconds)
    }
}
