#define _GNU_SOURCE
#include "floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void receive(int socket_descriptor, uint8_t *bytes, size_t length) {
    while (length > 0) {
        ssize_t count = recv(socket_descriptor, bytes, length, MSG_WAITALL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("recv");
        if (count == 0) stop("the sender left early");
        bytes += count;
        length -= (size_t)count;
    }
}

static void store(int file, const uint8_t *bytes, size_t length, off_t offset) {
    while (length > 0) {
        ssize_t count = pwrite(file, bytes, length, offset);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("pwrite");
        bytes += count;
        offset += count;
        length -= (size_t)count;
    }
}

static int create(const char *path) {
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0) fail("open");
    return file;
}

// Reads a header and returns the chunk ID, checked against the layout of the job.
static size_t receive_header(const Job *job, int socket_descriptor) {
    uint8_t header[HEADER_BYTES];
    uint32_t length_field, chunk_field;
    receive(socket_descriptor, header, HEADER_BYTES);
    memcpy(&length_field, header, 4);
    memcpy(&chunk_field, header + 8, 4);
    size_t chunk = ntohl(chunk_field);
    if (chunk >= job->chunk_count || ntohl(length_field) != chunk_length(job, chunk)) stop("a header is wrong");
    return chunk;
}

void receive_all(const Job *job, ReceiveMode mode, int socket_descriptor, uint8_t *digests) {
    bool flat = mode.store == STORE_FLAT || mode.store == STORE_FLAT_FALLOCATED;
    int output = flat ? create(flat_path(job, "output")) : -1;
    if (mode.store == STORE_FLAT_FALLOCATED && fallocate(output, 0, 0, (off_t)job->total_bytes) < 0) fail("fallocate");

    uint8_t *bytes = NULL;
    if (posix_memalign((void **)&bytes, 4096, job->chunk_bytes) != 0) stop("no memory");
    // Fetched once: looking the algorithm up for every digest costs a tenth of hashing 100 KB.
    EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!sha256 || !context) stop("no SHA-256");

    for (size_t received = 0; received < job->chunk_count; received++) {
        size_t chunk = receive_header(job, socket_descriptor);
        size_t length = chunk_length(job, chunk);
        receive(socket_descriptor, bytes, length);
        if (mode.hash) {
            uint8_t *digest = digests + chunk * DIGEST_BYTES;
            if (!EVP_DigestInit_ex2(context, sha256, NULL) || !EVP_DigestUpdate(context, bytes, length) ||
                !EVP_DigestFinal_ex(context, digest, NULL))
                stop("SHA-256 failed");
        }
        if (flat) {
            store(output, bytes, length, (off_t)(chunk * job->chunk_bytes));
        } else if (mode.store == STORE_FILES) {
            int file = create(chunk_path(job, "output", chunk));
            store(file, bytes, length, 0);
            close(file);
        }
    }
    EVP_MD_CTX_free(context);
    EVP_MD_free(sha256);
    free(bytes);
    if (output >= 0) close(output);
}
