import Testing

@testable import MillraceIO

@Suite struct SocketAddressTests {
    @Test(arguments: [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("::ffff:10.0.0.7", "10.0.0.7:80")])
    func literalAddressesResolveToThemselves(host: String, text: String) throws {
        #expect(try Resolver.resolve(host: host, port: 80).map(\.description) == [text])
    }

    @Test func thisMachineNeedsNoResolver() throws {
        #expect(try Resolver.resolve(host: "localhost", port: 80).map(\.description) == ["127.0.0.1:80", "[::1]:80"])
    }

    @Test func aScopeIsKept() throws {
        let address = try #require(try Resolver.resolve(host: "fe80::1%lo", port: 80).first)
        #expect(address.host == .v6(high: 0xFE80 << 48, low: 1, scope: 1))
        #expect(address.description == "[fe80::1%1]:80")
    }

    @Test func aNameThatIsNoneIsToldWithItsReason() {
        let error = #expect(throws: ResolveError.self) { _ = try Resolver.resolve(host: "not a host", port: 80) }
        #expect(error?.host == "not a host")
        #expect(error?.reason.isEmpty == false)
        #expect(throws: ResolveError.self) { _ = try Resolver.resolve(host: "a\0b", port: 80) }
    }

    @Test func mappedIPv4IsIPv4() {
        let mapped = SocketAddress(host: .v6(high: 0, low: 0xFFFF_7F00_0001, scope: 0), port: 9)
        #expect(mapped == SocketAddress(host: .v4(0x7F00_0001), port: 9))
    }
}
