#define _GNU_SOURCE
#include "floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

static void send_header(int socket_descriptor, size_t chunk, size_t length) {
    uint8_t header[HEADER_BYTES] = {0};
    uint32_t length_field = htonl((uint32_t)length), chunk_field = htonl((uint32_t)chunk);
    memcpy(header, &length_field, 4);
    memcpy(header + 8, &chunk_field, 4);
    for (size_t sent = 0; sent < HEADER_BYTES;) {
        // MSG_MORE: the header leaves in one segment with the payload behind it.
        ssize_t count = send(socket_descriptor, header + sent, HEADER_BYTES - sent, MSG_MORE | MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("send");
        sent += (size_t)count;
    }
}

static void send_range(int socket_descriptor, int file, off_t offset, size_t length) {
    while (length > 0) {
        ssize_t count = sendfile(socket_descriptor, file, &offset, length);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("sendfile");
        if (count == 0) stop("the source is shorter than it was");
        length -= (size_t)count;
    }
}

static int open_for_reading(const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) fail("open");
    return file;
}

// Header and payload from one buffer.
static void send_copy(const Job *job, int socket_descriptor, int file, off_t offset, size_t chunk, uint8_t *bytes) {
    size_t length = chunk_length(job, chunk), done = 0, end = HEADER_BYTES + length;
    uint32_t length_field = htonl((uint32_t)length), chunk_field = htonl((uint32_t)chunk);
    memset(bytes, 0, HEADER_BYTES);
    memcpy(bytes, &length_field, 4);
    memcpy(bytes + 8, &chunk_field, 4);
    if (pread(file, bytes + HEADER_BYTES, length, offset) != (ssize_t)length) fail("pread");
    while (done < end) {
        ssize_t count = send(socket_descriptor, bytes + done, end - done, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("send");
        done += (size_t)count;
    }
}

void send_all(const Job *job, SendMode mode, int socket_descriptor) {
    int flat = mode.flat ? open_for_reading(flat_path(job, "source")) : -1;
    uint8_t *bytes = malloc(HEADER_BYTES + job->chunk_bytes);
    if (!bytes) stop("no memory");
    for (size_t chunk = 0; chunk < job->chunk_count; chunk++) {
        size_t length = chunk_length(job, chunk);
        int file = mode.flat ? flat : open_for_reading(chunk_path(job, "source", chunk));
        off_t offset = mode.flat ? (off_t)(chunk * job->chunk_bytes) : 0;
        if (mode.way == COPY) {
            send_copy(job, socket_descriptor, file, offset, chunk, bytes);
        } else {
            send_header(socket_descriptor, chunk, length);
            send_range(socket_descriptor, file, offset, length);
        }
        if (!mode.flat) close(file);
    }
    free(bytes);
    if (flat >= 0) close(flat);
}
