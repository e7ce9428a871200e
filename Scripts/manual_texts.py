"""What the man pages say besides the options, which they take from the program."""

ADDRESS = "A bare port means this machine; HOST:PORT works everywhere a port does, and so does [::1]:PORT."

PAGES = {
    "millrace": [
        "Millrace pushes one big file to every machine of a LAN. One owner has the file; any number of peers "
        "take chunks from it and pass them on to each other, so that the owner's uplink carries the file "
        "about once, however many peers there are. Every chunk is verified with SHA-256 before it is stored "
        "or passed on, and the whole file before it gets its name. There is no tracker, no torrent file and "
        "no set-up.",
        "Nothing is encrypted and nobody is authenticated: who can reach the port can have the file. Use it "
        "on a network whose machines you trust.",
    ],
    "owner": [
        "Serves a file. It may be started before its peers or after them. With --peers it leaves once so many "
        "peers have verified the file; otherwise when all that came have, and nobody else has come for the "
        "time of --linger.",
        ADDRESS,
        "The first chunk leaves as soon as it is hashed: splitting and hashing run ahead of sending. The "
        "content ID that is printed at the end names the file's bytes; give it to peers as --content to make "
        "sure that they get this file.",
    ],
    "peer": [
        "Fetches the file from its owner and from other peers, passes on what it has, verifies it as a whole "
        "and then gives it its name. It waits for an owner that is not up yet. Stopped or killed at any time, "
        "it goes on from what it had verified when the same command is given again.",
        ADDRESS,
    ],
    "verify": [
        "Reads a file, computes its content ID (a SHA-256 over its layout and the digests of its pages) and "
        "prints it. The owner and every peer print the same one. It depends on the chunk size.",
    ],
    "demo": [
        "Runs an owner and peers as processes of their own on this machine, and compares every copy with the "
        "source.",
    ],
    "sim": [
        "Runs the policy of the nodes in a simulated LAN, with faults if wanted. A run is a seed: the same "
        "options give the same run on any machine.",
    ],
    "plan": [
        "Simulates a swarm of the given size and says how long it will take and how often the owner sends the "
        "file.",
    ],
}

FILES = {
    "owner": [
        ("owner-PORT/",
         "Chunks and summary, unless --dir says otherwise. May be removed when the owner has left."),
    ],
    "peer": [
        ("peer-PORT/",
         "Chunks, the summary and the finished file, unless --dir and --output say otherwise."),
        ("peer-PORT/summary.txt",
         "Which chunks are there, for people and for the next start."),
    ],
}

EXAMPLES = {
    "millrace": [
        ("On the machine that has the file:",
         "millrace owner 9000 image.qcow2 --peers 20"),
        ("On each machine that wants it:",
         "millrace peer fileserver:9000 9001 --output /srv/image.qcow2"),
        ("To see it work on one machine:",
         "millrace demo"),
    ],
    "owner": [
        ("Serve a large file until 20 peers have it, without chunk files:",
         "millrace owner 9000 image.qcow2 --peers 20 --store flat"),
    ],
    "peer": [
        ("Fetch from the owner on fileserver, into a given place:",
         "millrace peer fileserver:9000 9001 --store flat --output /srv/image.qcow2"),
        ("Five peers on one machine, each with its neighbour:",
         "millrace peer 9000 9001 9002"),
    ],
    "verify": [
        ("Compare a copy with the owner's:",
         "millrace verify /srv/image.qcow2 --content ID"),
    ],
    "demo": [
        ("A demonstration with a file of your own:",
         "millrace demo image.qcow2 --peers 3"),
    ],
    "sim": [
        ("Find a seed that breaks a rule, among a thousand:",
         "millrace sim --scenario faulty --seeds 1000"),
    ],
    "plan": [
        ("Twenty machines, a gigabit each, 40 GiB:",
         "millrace plan --peers 20 --link 1gbit --size 40G"),
    ],
}
