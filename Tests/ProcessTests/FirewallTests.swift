import Foundation
import Testing

@Suite(.timeLimit(.minutes(5))) struct FirewallTests {
    /// Three machines, each with a cable to the owner's and no way to each other: as where a firewall keeps all peers'
    /// ports closed. All of them get the file from the owner, and are told why it takes its time: so much that none
    /// has all of it before the others are there.
    @Test(.enabled(if: Namespace.isAllowed, "network namespaces need privileges that this process has not"))
    func peersThatReachNobodyButTheOwnerAreServedByIt() throws {
        let ground = try Ground()
        let bytes = try ground.file("data.bin", byteCount: 3_000_000)
        let script = """
            ip link set lo up
            for i in 1 2 3; do
                unshare --net sleep 55 & eval "machine$i=$!"
                eval "machine=\\$machine$i"
                until [ "$(readlink /proc/$machine/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
                ip link add cable$i type veth peer name eth0 netns $machine
                ip addr add 10.79.$i.1/24 dev cable$i; ip link set cable$i up
                nsenter --net=/proc/$machine/ns/net sh -c "ip link set lo up; ip link set eth0 up
                    ip addr add 10.79.$i.2/24 dev eth0"
            done
            $M owner 9000 data.bin --peers 3 --store flat --rate-limit 1MB -q & owner=$!
            for i in 1 2 3; do
                eval "machine=\\$machine$i"
                nsenter --net=/proc/$machine/ns/net $M peer 10.79.$i.1:9000 9001 --dir peer-$i >/dev/null 2>$i.err &
                eval "peer$i=$!"
            done
            for i in 1 2 3; do eval "wait \\$peer$i"; echo peer $i left with $?; done
            wait $owner; echo owner left with $?
            kill -9 $machine1 $machine2 $machine3
            """
        let output = try Namespace.run(script, in: ground)
        #expect(output.matches(of: /left with 0/).count == 4, "\(output)")
        let told = [1, 2, 3].map { String(decoding: ground.data("\($0).err") ?? Data(), as: UTF8.self) }
        for number in 1...3 {
            #expect(ground.data("peer-\(number)/data.bin") == bytes)
            #expect(told[number - 1].matches(of: /open its port in the firewall/).count == 1, "\(told)")
        }
    }
}
