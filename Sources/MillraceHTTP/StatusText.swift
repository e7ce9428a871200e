import MillraceNode
import MillraceWire

/// A status as JSON. Documentation/http.md tells of each field.
enum StatusText {
    static func json(_ status: NodeStatus) -> String {
        var writer = JSONWriter()
        writer.object { json in
            json.field("role", status.role.rawValue)
            json.field("phase", status.phase.rawValue)
            json.field("peer", status.peer)
            json.field("failure", status.failure)
            json.field("seconds", status.seconds)
            json.field("listenPort", status.listenPort)
            json.field("transport", status.transport)
            json.field("store", status.storeKind.rawValue)
            json.field("protocol", WireLimits.newestVersion)
            json.field("ownerConnected", status.hasOwner)
            json.field("clients", status.clientCount)
            file(status, &json)
            traffic(status.traffic, &json)
            json.array("members") { json in
                for entry in status.members { member(entry, &json) }
            }
            json.array("sources") { json in
                for entry in status.sources { source(entry, &json) }
            }
        }
        return writer.text + "\n"
    }

    private static func file(_ status: NodeStatus, _ json: inout JSONWriter) {
        guard let file = status.file else { return json.field("file", nil as String?) }
        json.object("file") { json in
            json.field("name", file.name)
            json.field("bytes", file.layout.fileByteCount)
            json.field("chunkBytes", file.layout.chunkByteCount)
            json.field("chunks", file.layout.chunkCount)
            json.field("contentID", file.contentID?.hex)
            json.field("heldChunks", status.held.count)
            json.field("heldBytes", status.heldByteCount)
            json.field("map", ChunkMap.text(status.held, cellCount: HTTPLimits.ownMapCellCount))
        }
    }

    private static func traffic(_ traffic: NodeStatus.Traffic, _ json: inout JSONWriter) {
        json.object("bytes") { json in
            json.field("fromOwner", traffic.fromOwner)
            json.field("fromPeers", traffic.fromPeers)
            json.field("fromDisk", traffic.fromDisk)
            json.field("twice", traffic.twice)
            json.field("sent", traffic.sent)
        }
    }

    private static func member(_ member: NodeStatus.Member, _ json: inout JSONWriter) {
        json.object { json in
            json.field("peer", member.peer)
            json.field("address", member.address)
            json.field("state", member.state.rawValue)
            json.field("present", member.isPresent)
            json.field("heldChunks", member.held?.count)
            json.field("map", member.held.map { ChunkMap.text($0, cellCount: HTTPLimits.memberMapCellCount) })
            json.array("sources") { json in
                for source in member.sources { json.element(source) }
            }
            json.field("bytesSent", member.bytesSent)
            json.field("seconds", member.seconds)
            json.field("strikes", member.strikeCount)
            json.field("slow", member.isSlow)
        }
    }

    private static func source(_ source: NodeStatus.Source, _ json: inout JSONWriter) {
        json.object { json in
            json.field("peer", source.peer)
            json.field("connected", source.isConnected)
            json.field("bytes", source.bytes)
            json.field("chunks", source.chunkCount)
            json.field("outstanding", source.outstandingCount)
            json.field("late", source.lateCount)
            json.field("meanSeconds", source.meanSeconds)
            json.field("longestSeconds", source.longestSeconds)
            json.field("slow", source.isSlow)
        }
    }
}
