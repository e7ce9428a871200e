import Glibc

/// Standard input, output and error.
public enum StandardStreams {
    /// Opens /dev/null in place of those that are closed: the next files to be opened would else get their numbers, and
    /// with them what is written to the console. To be called before anything is opened.
    public static func fill() {
        for descriptor in CInt(0)...2 where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest number that is free is this one.
            _ = System.outcome("open") { open("/dev/null", O_RDWR) }
        }
    }
}
