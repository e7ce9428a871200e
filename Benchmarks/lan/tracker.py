#!/usr/bin/env python3
"""The smallest BitTorrent tracker that serves one swarm: tracker.py ADDRESS PORT."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import inet_aton
from urllib.parse import parse_qs, urlsplit

members = set()


class Tracker(BaseHTTPRequestHandler):
    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query, encoding="latin-1")
        member = inet_aton(self.client_address[0]) + int(query["port"][0]).to_bytes(2, "big")
        if query.get("event") == ["stopped"]:
            members.discard(member)
        else:
            members.add(member)
        others = b"".join(sorted(members - {member}))
        answer = b"d8:intervali1e12:min intervali1e5:peers%d:%be" % (len(others), others)
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Tracker).serve_forever()
