import Testing

@testable import MillraceHTTP

/// DNS rebinding: a name that an attacker owns leads here, and only its name tells.
struct HostCheckTests {
    private let check = HostCheck(listenHost: "Files.LAN", machineName: "node07.example.org", more: ["Mirror"])

    @Test(arguments: [
        "127.0.0.1", "192.168.1.7", "[::1]", "[fe80::1]", "localhost", "a.localhost", "localhost.", "node07",
        "node07.local", "node07.example.org", "files.lan", "mirror",
    ])
    func itsOwnNamesAndAddressesPass(host: String) { #expect(check.allows(host)) }

    @Test(arguments: [
        "evil.example", "node07.evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "1.2.3", "1.2.3.4.5",
        "256.1.1.1", "1.2.3.x", "", "example.org", "0x7f.0.0.1", "1.2.3.+4",
    ])
    func othersDoNot(host: String) { #expect(!check.allows(host)) }

    @Test func noNameIsNoBrowser() { #expect(check.allows(nil)) }

    @Test func aMachineWithoutANameAllowsNoEmptyOne() {
        let check = HostCheck(listenHost: nil, machineName: "", more: [])
        #expect(!check.allows(""))
        #expect(!check.allows(".local"))
        #expect(check.allows("localhost"))
    }
}
