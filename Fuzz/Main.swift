import Glibc

/// What libFuzzer calls; the harness is the one that MILLRACE_HARNESS names.
private let harness: Harness = {
    let name = getenv("MILLRACE_HARNESS").map { String(cString: $0) } ?? ""
    guard let harness = Harness.all.first(where: { $0.name == name }) else {
        fatalError("MILLRACE_HARNESS is none of \(Harness.all.map(\.name))")
    }
    return harness
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    harness.run(Array(UnsafeBufferPointer(start: start, count: count))) ? 0 : -1
}
