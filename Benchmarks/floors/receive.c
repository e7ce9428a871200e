#define _GNU_SOURCE
#include "floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <openssl/evp.h>
#include <sha256_pair.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

static int create(const char *path, int flags) {
    int file = open(path, flags | O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
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

typedef struct {
    const Job *job;
    ReceiveMode mode;
    int connection, output;
    EVP_MD *sha256;
    EVP_MD_CTX *context;
    uint8_t *digests, *map;
    int tube[2];
    struct io_uring ring;
    unsigned writes;    // of the ring, under way
} Receiver;

static void hash(Receiver *receiver, const uint8_t *bytes, size_t chunk) {
    uint8_t *digest = receiver->digests + chunk * DIGEST_BYTES;
    if (!EVP_DigestInit_ex2(receiver->context, receiver->sha256, NULL) ||
        !EVP_DigestUpdate(receiver->context, bytes, chunk_length(receiver->job, chunk)) ||
        !EVP_DigestFinal_ex(receiver->context, digest, NULL))
        stop("SHA-256 failed");
}

static void hash_pair(Receiver *receiver, uint8_t *bytes[2], const size_t chunks[2]) {
    sha256_pair(bytes[0], chunk_length(receiver->job, chunks[0]), bytes[1], chunk_length(receiver->job, chunks[1]),
                receiver->digests + chunks[0] * DIGEST_BYTES, receiver->digests + chunks[1] * DIGEST_BYTES);
}

// Waits for one write of the ring.
static void end_write(Receiver *receiver) {
    struct io_uring_cqe *completion;
    int code = io_uring_wait_cqe(&receiver->ring, &completion);
    if (code < 0 || completion->res != (int)completion->user_data) stop("a write of the ring failed");
    io_uring_cqe_seen(&receiver->ring, completion);
    receiver->writes--;
}

// The write goes on while the next chunk arrives in another buffer.
static void begin_write(Receiver *receiver, const uint8_t *bytes, size_t length, off_t offset) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&receiver->ring);
    io_uring_prep_write(entry, receiver->output, bytes, (unsigned)length, (unsigned long long)offset);
    io_uring_sqe_set_flags(entry, IOSQE_ASYNC);
    io_uring_sqe_set_data64(entry, length);
    if (io_uring_submit(&receiver->ring) < 0) stop("io_uring_enter failed");
    receiver->writes++;
}

static void keep(Receiver *receiver, const uint8_t *bytes, size_t chunk) {
    size_t length = chunk_length(receiver->job, chunk);
    off_t offset = (off_t)(chunk * receiver->job->chunk_bytes);
    if (receiver->mode.store == STORE_FLAT) {
        store(receiver->output, bytes, length, offset);
    } else if (receiver->mode.store == STORE_RING) {
        begin_write(receiver, bytes, length, offset);
    } else if (receiver->mode.store == STORE_FILES) {
        int file = create(chunk_path(receiver->job, "output", chunk), 0);
        store(file, bytes, length, 0);
        close(file);
    }
}

// Socket to pipe to file; nothing can be hashed on the way.
static void splice_through(Receiver *receiver, size_t chunk) {
    loff_t offset = (loff_t)(chunk * receiver->job->chunk_bytes);
    for (size_t left = chunk_length(receiver->job, chunk); left > 0;) {
        ssize_t count = splice(receiver->connection, NULL, receiver->tube[1], NULL, left, SPLICE_F_MOVE);
        if (count <= 0) fail("splice");
        left -= (size_t)count;
        while (count > 0) {
            ssize_t out = splice(receiver->tube[0], NULL, receiver->output, &offset, (size_t)count, SPLICE_F_MOVE);
            if (out <= 0) fail("splice");
            count -= out;
        }
    }
}

static void open_output(Receiver *receiver) {
    const Job *job = receiver->job;
    ReceiveMode mode = receiver->mode;
    receiver->output = -1;
    if (mode.store == STORE_NOTHING || mode.store == STORE_FILES) return;
    receiver->output = create(flat_path(job, "output"), mode.direct ? O_DIRECT : 0);
    if (ftruncate(receiver->output, (off_t)job->total_bytes) < 0) fail("ftruncate");
    if (mode.fallocated && fallocate(receiver->output, 0, 0, (off_t)job->total_bytes) < 0) fail("fallocate");
    if (mode.store == STORE_SPLICED && (pipe(receiver->tube) < 0 || fcntl(receiver->tube[1], F_SETPIPE_SZ, 1 << 20) < 0))
        fail("pipe");
    if (mode.store == STORE_RING && io_uring_queue_init(8, &receiver->ring, 0) < 0) stop("no ring");
    if (mode.store != STORE_MAPPED) return;
    receiver->map = mmap(NULL, job->total_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, receiver->output, 0);
    if (receiver->map == MAP_FAILED) fail("mmap");
}

// One chunk after the other, or two and two; with a ring, into the buffers that no write needs any more.
static void receive_chunks(Receiver *receiver, uint8_t *buffers[4]) {
    const Job *job = receiver->job;
    size_t step = receiver->mode.hash == HASH_PAIR ? 2 : 1;
    for (size_t received = 0, turn = 0; received < job->chunk_count; turn = (turn + step) % 4) {
        size_t chunks[2], count = 0;
        uint8_t *bytes[2];
        while (receiver->writes + step > 4 - step) end_write(receiver);
        for (; count < step && received < job->chunk_count; count++, received++) {
            size_t chunk = chunks[count] = receive_header(job, receiver->connection);
            bytes[count] = receiver->map ? receiver->map + chunk * job->chunk_bytes : buffers[turn + count];
            if (receiver->mode.store == STORE_SPLICED) splice_through(receiver, chunk);
            else receive(receiver->connection, bytes[count], chunk_length(job, chunk));
        }
        if (receiver->mode.hash == HASH_PAIR && count == 2) hash_pair(receiver, bytes, chunks);
        else if (receiver->mode.hash != HASH_NOTHING) hash(receiver, bytes[0], chunks[0]);
        for (size_t i = 0; i < count; i++) keep(receiver, bytes[i], chunks[i]);
    }
    while (receiver->writes > 0) end_write(receiver);
}

void receive_all(const Job *job, ReceiveMode mode, int connection, uint8_t *digests) {
    Receiver receiver = {.job = job, .mode = mode, .connection = connection, .digests = digests};
    open_output(&receiver);
    uint8_t *buffers[4];
    for (int i = 0; i < 4; i++)
        if (posix_memalign((void **)&buffers[i], 4096, job->chunk_bytes) != 0) stop("no memory");
    // Fetched once: looking the algorithm up for every digest costs a tenth of hashing 100 KB.
    receiver.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    receiver.context = EVP_MD_CTX_new();
    if (!receiver.sha256 || !receiver.context) stop("no SHA-256");
    if (mode.hash == HASH_PAIR && !sha256_pair_is_available()) stop("no instructions for SHA-256");
    receive_chunks(&receiver, buffers);
    EVP_MD_CTX_free(receiver.context);
    EVP_MD_free(receiver.sha256);
    for (int i = 0; i < 4; i++) free(buffers[i]);
    if (receiver.output >= 0) close(receiver.output);
}
