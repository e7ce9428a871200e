#!/usr/bin/env python3
"""One node of a BitTorrent swarm by libtorrent: libtorrent_node.py TORRENT FOLDER ADDRESS PORT MARKER [PEER ...].

Set up for a LAN: no DHT, no local discovery, no uTP, no encryption, every peer connected and unchoked. Makes the file
MARKER once all pieces are on disk, and serves on until it is ended.
"""

import signal
import sys
from pathlib import Path

import libtorrent

SETTINGS = {
    "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
    "enable_outgoing_utp": False, "enable_incoming_utp": False, "unchoke_slots_limit": 100,
    "max_out_request_queue": 2000, "max_allowed_in_request_queue": 4000, "send_buffer_watermark": 4 << 20,
    "out_enc_policy": int(libtorrent.enc_policy.pe_disabled),
    "in_enc_policy": int(libtorrent.enc_policy.pe_disabled), "allow_multiple_connections_per_ip": True,
    "connection_speed": 200, "alert_mask": int(libtorrent.alert.category_t.storage_notification
                                               | libtorrent.alert.category_t.status_notification),
}


def main():
    torrent, folder, address, port, marker, *peers = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    session = libtorrent.session({**SETTINGS, "listen_interfaces": f"{address}:{port}"})
    parameters = libtorrent.add_torrent_params()
    parameters.ti = libtorrent.torrent_info(torrent)
    parameters.save_path = folder
    handle = session.add_torrent(parameters)
    for peer in peers:
        host, _, number = peer.rpartition(":")
        handle.connect_peer((host, int(number)))
    flushing = done = False
    while True:
        session.wait_for_alert(100)
        for alert in session.pop_alerts():
            done = done or flushing and isinstance(alert, libtorrent.cache_flushed_alert)
        if not flushing and handle.status().is_seeding:
            # Complete in memory is not yet complete on disk.
            flushing = True
            handle.flush_cache()
        if done:
            Path(marker).touch()
            done = False


if __name__ == "__main__":
    main()
