import Foundation
import Testing

@Suite(.timeLimit(.minutes(5))) struct DiscoveryProcessTests {
    /// A peer that is told a content ID and no address; other owners on this machine have other files.
    @Test func aPeerFindsTheOwnerByItsContent() throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 300_000, seed: .random(in: 1...UInt64.max))
        let ports = try FreePort.take(2)
        let verify = try ground.start("verify", "verify data.bin --chunk-size 100KB")
        #expect(try verify.wait() == 0)
        let contentID = try #require(verify.output.firstMatch(of: /[0-9a-f]{64}/)).0
        let peer = try ground.start("peer", "peer --discover \(ports[1]) --content \(contentID) --timeout 50")
        try waitUntil { peer.errors.contains("looking on") }
        let owner = try ground.start("owner", "owner \(ports[0]) data.bin --announce --peers 1")
        #expect(try peer.wait() == 0)
        #expect(try owner.wait() == 0)
        #expect(ground.data("peer-\(ports[1])/data.bin") == bytes)
        #expect(peer.errors.contains("data.bin  300 kB  content ID \(contentID.prefix(12))"))
    }

    /// In a network of their own, where nobody else is.
    @Test(.enabled(if: Namespace.isAllowed, "network namespaces need privileges that this process has not"))
    func aloneOnALinkTheOnlyOneIsTakenAndOfTwoNone() throws {
        let ground = try Ground()
        let bytes = try ground.file("one.bin", byteCount: 1000)
        try ground.file("two.bin", byteCount: 2000)
        let script = """
            ip link set lo up
            $M peer --discover; echo none $?
            $M owner 9000 one.bin --announce --peers 1 -q & one=$!
            until $M peer --discover | grep -q one.bin; do :; done
            $M peer --discover 9001 -q; echo only $?
            wait $one; echo owner $?
            $M owner 9000 one.bin --announce --dir a -q & one=$!
            $M owner 9002 two.bin --announce --dir b -q & two=$!
            until [ $($M peer --discover | wc -l) = 2 ]; do :; done
            $M peer --discover 9003 -q; echo two $?
            kill $one $two; wait
            """
        let output = try Namespace.run(script, in: ground)
        #expect(output.contains("none 3") && output.contains("only 0") && output.contains("owner 0"), "\(output)")
        #expect(output.contains("two 64") && output.contains("127.0.0.1:9002  two.bin  2.0 kB"), "\(output)")
        #expect(ground.data("peer-9001/one.bin") == bytes)
    }

    /// Two machines on a link that has no addresses but IPv6's own. The owner carries one copy, so that the peers, who
    /// know each other by such addresses too, must pass on what they have.
    @Test(.enabled(if: Namespace.isAllowed, "network namespaces need privileges that this process has not"))
    func aLinkWithoutIPv4IsAsGood() throws {
        let ground = try Ground()
        let bytes = try ground.file("one.bin", byteCount: 3_000_000)
        let script = """
            other() { nsenter --net=/proc/$holder/ns/net "$@"; }
            unshare --net sleep 50 & holder=$!
            until [ "$(readlink /proc/$holder/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
            ip link add here type veth peer name there netns $holder
            ip link set here up; other ip link set there up; other ip link set lo up
            until ip -6 addr show dev here scope link -tentative | grep -q fe80; do :; done
            until other ip -6 addr show dev there scope link -tentative | grep -q fe80; do :; done
            $M owner 9000 one.bin --announce --peers 2 --rate-limit 3MB --log-format json >owner.json & one=$!
            until other $M peer --discover >list; do :; done
            cat list
            address=$(cut -d' ' -f1 list)
            other $M peer "$address" 9001 --log-format json >first.json & first=$!
            other $M peer --discover 9002 --log-format json >second.json; echo second $?
            wait $first; echo first $?
            wait $one; echo owner $?
            kill -9 $holder
            """
        let output = try Namespace.run(script, in: ground)
        #expect(output.contains(/\[fe80::[0-9a-f:]+%there\]:9000  one.bin  3.0 MB/), "\(output)")
        #expect(output.contains("first 0") && output.contains("second 0") && output.contains("owner 0"), "\(output)")
        #expect(ground.data("peer-9001/one.bin") == bytes && ground.data("peer-9002/one.bin") == bytes)
        let told = String(decoding: ground.data("second.json") ?? Data(), as: UTF8.self)
        #expect(told.contains("chunk received") && told.contains("\"with\":\"peer 0\""), "peers meet on the link too")
    }
}
